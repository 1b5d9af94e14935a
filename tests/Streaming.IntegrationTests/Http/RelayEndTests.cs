using System.Net;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.IntegrationTests.Http;

/// <summary>Nothing follows a relay's end, and no message that was not stored is answered as if it had been.</summary>
public sealed class RelayEndTests(ServiceFixture service) : IClassFixture<ServiceFixture>
{
    HttpClient Client => service.Host.Client;

    [Fact]
    public async Task A_request_is_refused_when_something_follows_end_in_it()
    {
        var relay = await Client.RelayAsync();

        var problem = await Client.PostJsonAsync($"/api/relays/{relay.Id()}/messages",
            new object[] { new { type = "end" }, new { type = "chunk", text = "late" } }, HttpStatusCode.BadRequest);

        Assert.Equal("invalid_fields", problem.GetProperty("code").GetString());
        Assert.Equal("1-0", (await Client.StateAsync($"/api/relays/{relay.Id()}")).GetProperty("lastEventId").GetString());
    }

    [Fact]
    public async Task A_new_sequence_is_refused_after_the_end_when_an_old_one_comes_with_it()
    {
        var relay = await Client.RelayAsync();
        var path = $"/api/relays/{relay.Id()}";
        var old = new { producerId = "p", sequence = 1, type = "chunk", text = "old" };
        await Client.PostJsonAsync($"{path}/messages", new object[] { old }, HttpStatusCode.OK);
        await Client.PostJsonAsync($"{path}/end", null);

        var again = await Client.PostJsonAsync($"{path}/messages", new object[] { old }, HttpStatusCode.OK);
        var problem = await Client.PostJsonAsync($"{path}/messages",
            new object[] { old, new { producerId = "p", sequence = 2, type = "chunk", text = "new" } }, HttpStatusCode.Conflict);

        Assert.True(again.GetProperty("duplicate").GetBoolean());
        Assert.Equal("conflict", problem.GetProperty("code").GetString());
        Assert.Equal("1-2", (await Client.StateAsync(path)).GetProperty("lastEventId").GetString());
    }
}
