using System.Net;
using System.Text.Json;
using Streaming.IntegrationTests.Fixtures;
using Streaming.Tests.Images;
using Xunit;

namespace Streaming.IntegrationTests.Status;

/// <summary>The status of the service is for those who run it; an upload's also for its owner.</summary>
public sealed class StatusAccessTests(JwtFixture service) : IClassFixture<JwtFixture>
{
    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    HttpClient Browser => service.Host.Client;

    public static TheoryData<string> Routes =>
    [
        "/api/v1/status/system", "/api/v1/status/upload-queue", "/api/v1/status/streaming", "/api/v1/status/websocket", "/api/v1/status/dashboard",
        "/api/v1/status/runs", "/api/v1/status/stream",
    ];

    [Theory]
    [MemberData(nameof(Routes))]
    public async Task Status_is_refused_to_whoever_lacks_the_role(string path)
    {
        using (var response = await service.Ada.GetAsync(path, HttpCompletionOption.ResponseHeadersRead, Cancellation))
            await RefusedAsync(response, HttpStatusCode.Forbidden, "admin_only");
        using (var response = await Browser.GetAsync(path, HttpCompletionOption.ResponseHeadersRead, Cancellation))
            await RefusedAsync(response, HttpStatusCode.Unauthorized, "unauthenticated");
    }

    public static TheoryData<string, bool> Claims => new()
    {
        { """{"role":"admin"}""", true },
        { """{"roles":["reader","admin"]}""", true },
        { """{"role":["admin"]}""", true },
        { """{"roles":"admin"}""", true },
        { """{"role":"administrator"}""", false },
        { """{"role":"Admin"}""", false },
        { """{"roles":"reader admin"}""", false },
        { """{"roles":{"admin":true}}""", false },
        { """{"roles":[["admin"]]}""", false },
        { """{"scope":"admin","groups":["admin"]}""", false },
        { """{"admin":"admin"}""", false },
    };

    [Theory]
    [MemberData(nameof(Claims))]
    public async Task Role_is_a_text_or_one_of_an_array_in_the_claim_role_or_roles(string claims, bool isAdmin)
    {
        using var client = service.Jwt.ClientOf(service.Host.Address, "root", JsonSerializer.Deserialize<JsonElement>(claims));
        using var response = await client.GetAsync("/api/v1/status/system", Cancellation);
        Assert.Equal(isAdmin ? HttpStatusCode.OK : HttpStatusCode.Forbidden, response.StatusCode);
    }

    [Fact]
    public async Task Role_and_its_claim_can_be_other_ones()
    {
        await using var host = await ServiceHost.StartAsync(service.Postgres, [.. service.Jwt.Settings, new("Auth:AdminRole", "operator"), new("Auth:RoleClaim", "https://example.com/roles")]);
        using var root = service.Jwt.ClientOf(host.Address, "root", JsonSerializer.Deserialize<JsonElement>("""{"https://example.com/roles":["operator"]}"""));
        using var other = service.Jwt.ClientOf(host.Address, "other", new { role = "operator", roles = "admin" });
        Assert.Equal(HttpStatusCode.OK, (await root.GetAsync("/api/v1/status/system", Cancellation)).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await other.GetAsync("/api/v1/status/system", Cancellation)).StatusCode);
    }

    [Fact]
    public async Task Status_of_an_upload_is_for_its_owner_and_for_those_who_run_the_service()
    {
        var id = (await service.Ada.UploadImageAsync(TestImages.Png(64, 64))).Id();
        using var root = Root();
        Assert.Equal(id, (await service.Ada.StateAsync($"/api/v1/status/upload/{id}")).Id());
        Assert.Equal(id, (await root.StateAsync($"/api/v1/status/upload/{id}")).Id());
        using var response = await service.Eve.GetAsync($"/api/v1/status/upload/{id}", Cancellation);
        await RefusedAsync(response, HttpStatusCode.NotFound, "not_found");
        // The role opens the status, nothing else.
        using var state = await root.GetAsync($"/api/uploads/{id}", Cancellation);
        Assert.Equal(HttpStatusCode.NotFound, state.StatusCode);
    }

    [Fact]
    public async Task Ticket_of_the_status_is_made_for_those_who_run_the_service_alone()
    {
        using var content = new StringContent("""{"kind":"status"}""", System.Text.Encoding.UTF8, "application/json");
        using (var response = await service.Ada.PostAsync("/api/stream-tickets", content, Cancellation))
            await RefusedAsync(response, HttpStatusCode.Forbidden, "admin_only");

        // What Ada may have opens her sessions, not this.
        var relay = (await service.Ada.RelayAsync()).Id();
        var ticket = (await service.Ada.PostJsonAsync("/api/stream-tickets", new { kind = "relay", id = relay }, HttpStatusCode.Created)).GetProperty("ticket").GetString();
        using (var response = await Browser.GetAsync($"/api/v1/status/stream?ticket={ticket}", HttpCompletionOption.ResponseHeadersRead, Cancellation))
            await RefusedAsync(response, HttpStatusCode.Unauthorized, "invalid_ticket");
        await service.Ada.PostJsonAsync($"/api/relays/{relay}/end", null);
    }

    [Fact]
    public async Task Ticket_of_the_status_connects_once_and_resumes_with_what_the_stream_has_told()
    {
        var url = $"/api/v1/status/stream?ticket={await TicketAsync()}";
        string? cursor = null;
        await foreach (var item in Browser.StreamAsync(url, cancellation: Cancellation))
        {
            cursor = item.Id ?? cursor;
            if (item.Type == "figures")
                break;
        }

        Assert.NotNull(cursor);
        using (var again = await Browser.OpenStreamAsync(url, cancellation: Cancellation))
            await RefusedAsync(again, HttpStatusCode.Unauthorized, "invalid_ticket");
        using (var leaked = await Browser.OpenStreamAsync($"{url}&lastEventId={cursor}", cancellation: Cancellation))
            await RefusedAsync(leaked, HttpStatusCode.Unauthorized, "invalid_ticket");
        using var resumed = await Browser.OpenStreamAsync(url, cursor, Cancellation);
        Assert.Equal(HttpStatusCode.OK, resumed.StatusCode);
    }

    [Fact]
    public async Task Ticket_of_the_status_opens_nothing_else()
    {
        var ticket = await TicketAsync();
        var relay = (await service.Ada.RelayAsync()).Id();
        foreach (var path in (string[])[$"/api/stream/relay/{relay}", $"/api/stream?ids={relay}", $"/api/stream/status/{relay}"])
        {
            using var response = await Browser.GetAsync($"{path}{(path.Contains('?', StringComparison.Ordinal) ? '&' : '?')}ticket={ticket}", Cancellation);
            Assert.True(response.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.NotFound, $"{path}: {response.StatusCode}");
        }

        using (var status = await Browser.GetAsync($"/api/v1/status/system?ticket={ticket}", Cancellation))
            await RefusedAsync(status, HttpStatusCode.Unauthorized, "unauthenticated");
        await service.Ada.PostJsonAsync($"/api/relays/{relay}/end", null);
    }

    HttpClient Root() => service.Jwt.ClientOf(service.Host.Address, "root", new { roles = new[] { "admin" } });

    async Task<string> TicketAsync()
    {
        using var root = Root();
        return (await root.PostJsonAsync("/api/stream-tickets", new { kind = "status" }, HttpStatusCode.Created)).GetProperty("ticket").GetString()!;
    }

    static async Task RefusedAsync(HttpResponseMessage response, HttpStatusCode status, string code)
    {
        Assert.Equal(status, response.StatusCode);
        Assert.Equal(code, JsonSerializer.Deserialize<JsonElement>(await response.Content.ReadAsStringAsync(Cancellation)).GetProperty("code").GetString());
    }
}
