using System.Net;
using System.Text.Json;
using Npgsql;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.IntegrationTests.Http;

/// <summary>A ticket connects to one stream once, resumes that stream alone, and ends.</summary>
public sealed class TicketTests(JwtFixture service) : IClassFixture<JwtFixture>
{
    /// <summary>No token: as an EventSource comes.</summary>
    HttpClient Browser => service.Host.Client;

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Ticket_connects_and_resumes_after_a_cut()
    {
        var relay = (await service.Ada.RelayAsync()).Id();
        await AppendAsync(relay, "before");
        var url = await UrlAsync(relay);
        string? cursor = null;
        await foreach (var item in Browser.StreamAsync(url, cancellation: Cancellation))
            if ((cursor = item.Id) is not null && item.Text == "before")
                break;

        await AppendAsync(relay, "while away");
        await service.Ada.PostJsonAsync($"/api/relays/{relay}/end", null);
        var rest = await Browser.ReadStreamAsync(url, cursor, Cancellation);
        Assert.Equal(["while away", null], rest.Select(item => item.Text));
        // As often as the connection breaks.
        Assert.Equal(2, (await Browser.ReadStreamAsync(url, cursor, Cancellation)).Count);
    }

    [Fact]
    public async Task Used_ticket_without_a_cursor_is_refused()
    {
        var relay = (await service.Ada.RelayAsync()).Id();
        var url = await UrlAsync(relay);
        using (await ConnectedAsync(url))
        {
            await RefusedAsync(url);
            // A cursor in the address is part of what was leaked with it.
            await RefusedAsync($"{url}&lastEventId=1-0");
        }
    }

    [Fact]
    public async Task Ticket_used_by_many_at_once_connects_one()
    {
        var relay = (await service.Ada.RelayAsync()).Id();
        var url = await UrlAsync(relay);
        var responses = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => Browser.OpenStreamAsync(url, cancellation: Cancellation)));
        Assert.Equal(1, responses.Count(response => response.StatusCode == HttpStatusCode.OK));
        Assert.Equal(9, responses.Count(response => response.StatusCode == HttpStatusCode.Unauthorized));
        foreach (var response in responses)
            response.Dispose();
    }

    [Fact]
    public async Task Ticket_of_another_stream_is_refused()
    {
        var (mine, other) = ((await service.Ada.RelayAsync()).Id(), (await service.Ada.RelayAsync()).Id());
        var url = await UrlAsync(mine);
        await RefusedAsync(url.Replace(mine, other, StringComparison.Ordinal));
        await RefusedAsync(url.Replace("/relay/", "/ideation/", StringComparison.Ordinal));
        // None of that has used it up.
        using (await ConnectedAsync(url))
        {
            await RefusedAsync(url.Replace(mine, other, StringComparison.Ordinal), "1-0");
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("%00")]
    public async Task Ticket_that_was_never_made_is_refused(string ticket)
    {
        var relay = (await service.Ada.RelayAsync()).Id();
        await RefusedAsync($"/api/stream/relay/{relay}?ticket={ticket}");
        await RefusedAsync($"/api/stream/relay/{relay}?ticket={ticket}", "1-0");
    }

    [Fact]
    public async Task Unused_ticket_does_not_resume_for_less_than_its_one_use()
    {
        var relay = (await service.Ada.RelayAsync()).Id();
        var url = await UrlAsync(relay);
        // With a cursor it connects, as after a page's own reload; that was its use.
        using (await ConnectedAsync(url, "1-0"))
        {
            await RefusedAsync(url);
        }
    }

    [Fact]
    public async Task Ticket_opens_its_stream_and_nothing_else()
    {
        var relay = (await service.Ada.RelayAsync()).Id();
        var query = new Uri(service.Host.Address, await UrlAsync(relay)).Query;
        foreach (var path in (string[])[$"/api/relays/{relay}", "/api/relays", "/api/ideations"])
        {
            using var response = await Browser.GetAsync(path + query, Cancellation);
            Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        }
    }

    [Fact]
    public async Task Resume_is_authorised_anew()
    {
        var relay = (await service.Ada.RelayAsync()).Id();
        var url = await UrlAsync(relay);
        (await ConnectedAsync(url)).Dispose();
        await ExecuteAsync($"update sessions set user_id = 'eve' where id = '{relay}'");
        using var response = await Browser.OpenStreamAsync(url, "1-0", Cancellation);
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
    }

    [Fact]
    public async Task Ticket_is_stored_as_its_hash_alone()
    {
        var relay = (await service.Ada.RelayAsync()).Id();
        var ticket = (await UrlAsync(relay)).Split('=')[^1];
        Assert.Equal(43, ticket.Length);
        await using var connection = new NpgsqlConnection(service.Host.ConnectionString);
        await connection.OpenAsync(Cancellation);
        await using var command = new NpgsqlCommand(
            $"select count(*) filter (where ticket_hash = sha256('{ticket}')), count(*) filter (where tickets::text like '%{ticket}%') from tickets", connection);
        await using var row = await command.ExecuteReaderAsync(Cancellation);
        await row.ReadAsync(Cancellation);
        Assert.Equal((1L, 0L), (row.GetInt64(0), row.GetInt64(1)));
    }

    [Fact]
    public async Task Ended_ticket_neither_connects_nor_resumes_and_is_pruned()
    {
        await using var host = await ServiceHost.StartAsync(
            service.Postgres, [.. service.Jwt.Settings, new("Auth:TicketLifetime", "00:00:00.2"), new("Auth:ResumeLifetime", "00:00:00.5")]);
        using var ada = service.Jwt.ClientOf(host.Address, "ada");
        var relay = (await ada.RelayAsync()).Id();
        string[] urls = [await UrlAsync(relay, ada), await UrlAsync(relay, ada)];
        using (var connected = await host.Client.OpenStreamAsync(urls[1], cancellation: Cancellation))
            Assert.Equal(HttpStatusCode.OK, connected.StatusCode);
        await Eventually.TrueAsync(async () => await CountAsync(host, "select count(*) from tickets where valid_until > clock_timestamp()") == 0, "both tickets have ended");

        foreach (var (url, cursor) in ((string, string?)[])[(urls[0], null), (urls[0], "1-0"), (urls[1], null), (urls[1], "1-0")])
        {
            using var response = await host.Client.OpenStreamAsync(url, cursor, Cancellation);
            Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        }

        await UrlAsync(relay, ada);
        Assert.Equal(1, await CountAsync(host, "select count(*) from tickets"));
    }

    [Theory]
    [InlineData("{}", 400, "invalid_fields")]
    [InlineData("""{"kind":"relay","id":"x"}""", 400, "invalid_fields")]
    [InlineData("""{"kind":7,"id":"0198c0de-0000-7000-8000-000000000001"}""", 400, "invalid_fields")]
    [InlineData("""{"kind":"song","id":"0198c0de-0000-7000-8000-000000000001"}""", 404, "unknown_kind")]
    [InlineData("""{"kind":"relay","id":"0198c0de-0000-7000-8000-000000000001"}""", 404, "not_found")]
    public async Task Request_for_a_ticket_that_is_not_valid_is_refused(string body, int status, string code)
    {
        var problem = await service.Ada.PostJsonAsync("/api/stream-tickets", JsonSerializer.Deserialize<JsonElement>(body), (HttpStatusCode)status);
        Assert.Equal(code, problem.GetProperty("code").GetString());
    }

    [Fact]
    public async Task Ticket_says_until_when_it_can_be_used()
    {
        var relay = (await service.Ada.RelayAsync()).Id();
        var ticket = await service.Ada.PostJsonAsync("/api/stream-tickets", new { kind = "relay", id = relay }, HttpStatusCode.Created);
        var left = ticket.GetProperty("expiresAt").GetDateTimeOffset() - TimeProvider.System.GetUtcNow();
        Assert.InRange(left.TotalSeconds, 30, 61);
    }

    [Fact]
    public async Task Mode_none_makes_a_ticket_and_does_not_look_at_it()
    {
        await using var host = await ServiceHost.StartAsync(service.Postgres);
        var relay = (await host.Client.RelayAsync()).Id();
        var url = await UrlAsync(relay, host.Client);
        for (var i = 0; i < 2; i++)
        {
            using var response = await host.Client.OpenStreamAsync(url, cancellation: Cancellation);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        }
    }

    async Task<string> UrlAsync(string relay, HttpClient? client = null)
    {
        var ticket = await (client ?? service.Ada).PostJsonAsync("/api/stream-tickets", new { kind = "relay", id = relay }, HttpStatusCode.Created);
        return $"/api/stream/relay/{relay}?ticket={ticket.GetProperty("ticket").GetString()}";
    }

    Task<JsonElement> AppendAsync(string relay, string text) =>
        service.Ada.PostJsonAsync($"/api/relays/{relay}/messages", new { type = "chunk", text }, HttpStatusCode.OK);

    async Task<HttpResponseMessage> ConnectedAsync(string url, string? cursor = null)
    {
        var response = await Browser.OpenStreamAsync(url, cursor, Cancellation);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return response;
    }

    async Task RefusedAsync(string url, string? cursor = null)
    {
        using var response = await Browser.OpenStreamAsync(url, cursor, Cancellation);
        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        var problem = JsonSerializer.Deserialize<JsonElement>(await response.Content.ReadAsStringAsync(Cancellation));
        Assert.Equal("invalid_ticket", problem.GetProperty("code").GetString());
        Assert.NotEmpty(response.Headers.WwwAuthenticate);
    }

    static async Task<long> CountAsync(ServiceHost host, string sql)
    {
        await using var connection = new NpgsqlConnection(host.ConnectionString);
        await connection.OpenAsync(Cancellation);
        await using var command = new NpgsqlCommand(sql, connection);
        return (long)(await command.ExecuteScalarAsync(Cancellation))!;
    }

    async Task ExecuteAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(service.Host.ConnectionString);
        await connection.OpenAsync(Cancellation);
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(Cancellation);
    }
}
