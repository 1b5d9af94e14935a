using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Npgsql;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.IntegrationTests.Http.Limits;

/// <summary>A user has so many sessions in progress and no more, however many requests and instances there are at once.</summary>
public sealed class SessionLimitTests(PostgresServer postgres)
{
    const int Max = 3;

    readonly JwtSettings _jwt = new();

    /// <summary>Generations that go on for longer than a test.</summary>
    IEnumerable<KeyValuePair<string, string>> Settings =>
        [.. _jwt.Settings, new("Limits:SessionsInProgressMax", $"{Max}"), new("Limits:RequestsPerSecond", "0"), new("Models:Offline:TokensPerSecond", "1")];

    [Fact]
    public async Task One_session_more_than_a_user_may_have_in_progress_is_refused()
    {
        await using var host = await ServiceHost.StartAsync(postgres, Settings);
        using var ada = _jwt.ClientOf(host.Address, "ada");
        using var eve = _jwt.ClientOf(host.Address, "eve");
        // Streaming, paused, and a relay: each counts.
        await ada.IdeateAsync();
        var paused = (await ada.IdeateAsync()).Id();
        await ada.PostJsonAsync($"/api/ideations/{paused}/pause", null);
        var relay = (await ada.RelayAsync()).Id();

        await RefusedAsync(ada.PostAsJsonAsync("/api/ideations", new { userInput = "x" }));
        await RefusedAsync(ada.PostAsJsonAsync("/api/outlines", new { source = new { title = "t", text = "x" } }));
        await RefusedAsync(ada.PostAsync("/api/relays", null));
        Assert.Equal(Max, await CountAsync(host));
        await eve.IdeateAsync();
        // What is in progress already is not counted again.
        await ada.PostJsonAsync($"/api/ideations/{paused}/resume", null);

        await ada.PostJsonAsync($"/api/relays/{relay}/end", null);
        await ada.IdeateAsync();
        await RefusedAsync(ada.PostAsync("/api/relays", null));
        await ada.DeleteAsync($"/api/ideations/{paused}");
        await ada.RelayAsync();
    }

    [Fact]
    public async Task Requests_at_the_same_moment_do_not_get_past_the_limit()
    {
        await using var first = await ServiceHost.StartAsync(postgres, Settings);
        await using var second = await ServiceHost.StartAsync(postgres, Settings, first.ConnectionString);
        using var here = _jwt.ClientOf(first.Address, "ada");
        using var there = _jwt.ClientOf(second.Address, "ada");
        for (var round = 0; round < 5; round++)
        {
            var answers = await Task.WhenAll(Enumerable.Range(0, 24).Select(i => (i % 2 == 0 ? here : there).PostAsync("/api/relays", null)));
            Assert.Equal(Max, answers.Count(answer => answer.StatusCode == HttpStatusCode.Created));
            Assert.Equal(24 - Max, answers.Count(answer => answer.StatusCode == HttpStatusCode.TooManyRequests));
            foreach (var made in answers.Where(answer => answer.Headers.Location is not null))
                await here.DeleteAsync(made.Headers.Location);
        }
    }

    [Fact]
    public async Task Repeat_of_an_earlier_request_is_never_refused()
    {
        await using var host = await ServiceHost.StartAsync(postgres, Settings);
        using var ada = _jwt.ClientOf(host.Address, "ada");
        var first = await PostAsync("a");
        for (var i = 1; i < Max; i++)
            await ada.RelayAsync();
        await RefusedAsync(ada.PostAsync("/api/relays", null));

        var again = await PostAsync("a");
        Assert.Equal((HttpStatusCode.Accepted, first.Headers.Location), (again.StatusCode, again.Headers.Location));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await PostAsync("b")).StatusCode);

        Task<HttpResponseMessage> PostAsync(string userInput)
        {
            var request = new HttpRequestMessage(HttpMethod.Post, "/api/ideations") { Content = JsonContent.Create(new { userInput }) };
            request.Headers.Add("Idempotency-Key", "k");
            return ada.SendAsync(request);
        }
    }

    [Fact]
    public async Task Retry_needs_a_place_and_two_at_once_need_one()
    {
        await using var host = await ServiceHost.StartAsync(postgres, Settings);
        using var ada = _jwt.ClientOf(host.Address, "ada");
        var cancelled = (await ada.IdeateAsync()).Id();
        await ada.PostJsonAsync($"/api/ideations/{cancelled}/cancel", null);
        var relays = new List<string>();
        for (var i = 0; i < Max; i++)
            relays.Add((await ada.RelayAsync()).Id());
        await RefusedAsync(ada.PostAsync($"/api/ideations/{cancelled}/retry", null));
        Assert.Equal("cancelled", (await ada.StateAsync($"/api/ideations/{cancelled}")).Status());

        await ada.PostJsonAsync($"/api/relays/{relays[0]}/end", null);
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => ada.PostAsync($"/api/ideations/{cancelled}/retry", null)));
        Assert.All(answers, answer => Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode));
        Assert.Equal(Max, await CountAsync(host));
        await RefusedAsync(ada.PostAsync("/api/relays", null));
    }

    [Fact]
    public async Task Mode_none_has_no_limit_but_one_that_is_set()
    {
        await using (var host = await ServiceHost.StartAsync(postgres))
            for (var i = 0; i < 120; i++)
                await host.Client.RelayAsync();
        await using (var host = await ServiceHost.StartAsync(postgres, [new("Limits:SessionsInProgressMax", "1")]))
        {
            await host.Client.RelayAsync();
            await RefusedAsync(host.Client.PostAsync("/api/relays", null));
        }
    }

    static async Task<long> CountAsync(ServiceHost host)
    {
        await using var source = NpgsqlDataSource.Create(host.ConnectionString);
        await using var command = source.CreateCommand(
            "select count(*) from sessions as s join transforms as t on t.session_id = s.id where s.user_id = 'ada' and t.status in ('queued', 'running', 'paused')");
        return (long)(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
    }

    static async Task RefusedAsync(Task<HttpResponseMessage> request)
    {
        using var response = await request;
        Assert.Equal(HttpStatusCode.TooManyRequests, response.StatusCode);
        Assert.Equal(TimeSpan.FromSeconds(5), response.Headers.RetryAfter!.Delta);
        Assert.Null(response.Headers.Location);
        var problem = JsonSerializer.Deserialize<JsonElement>(await response.Content.ReadAsStringAsync());
        Assert.Equal("too_many_sessions", problem.GetProperty("code").GetString());
    }
}
