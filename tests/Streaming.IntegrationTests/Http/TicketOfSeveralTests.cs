using System.Net;
using System.Text.Json;
using Npgsql;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.IntegrationTests.Http;

/// <summary>A ticket for several sessions on one connection: once to connect, then to resume that stream alone.</summary>
public sealed class TicketOfSeveralTests(JwtFixture service) : IClassFixture<JwtFixture>
{
    /// <summary>No token: as an EventSource comes.</summary>
    HttpClient Browser => service.Host.Client;

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Ticket_of_several_connects_once_and_resumes_after_a_cut()
    {
        string[] ids = [await RelayAsync(), await RelayAsync()];
        var url = await UrlAsync(ids);
        await AppendAsync(ids[0], "before");
        string? cursor = null;
        await foreach (var item in Browser.StreamAsync(url, cancellation: Cancellation))
            if ((cursor = item.Id ?? cursor) is not null && item.Text == "before")
                break;

        await RefusedAsync(url);
        // A cursor in the address is part of what was leaked with it.
        await RefusedAsync($"{url}&lastEventId=1-0.1-0");
        await AppendAsync(ids[1], "while away");
        foreach (var id in ids)
            await service.Ada.PostJsonAsync($"/api/relays/{id}/end", null);
        for (var times = 0; times < 2; times++)
        {
            var rest = await Browser.ReadStreamAsync(url, cursor, Cancellation);
            Assert.Equal(["while away"], rest.Where(item => item.Type == "chunk").Select(item => item.Text));
            Assert.Equal(2, rest.Count(item => item.Type == "end"));
        }
    }

    [Fact]
    public async Task Ticket_of_several_opens_no_other_stream()
    {
        string[] ids = [await RelayAsync(), await RelayAsync(), await RelayAsync()];
        var url = await UrlAsync(ids[..2]);
        var ticket = url[url.IndexOf('&', StringComparison.Ordinal)..];
        foreach (var others in (string[][])[[ids[1], ids[0]], [ids[0]], [ids[0], ids[1], ids[2]], [ids[0], ids[2]]])
            await RefusedAsync(Path(others) + ticket);
        await RefusedAsync($"/api/stream/relay/{ids[0]}?{ticket[1..]}");
        var single = await service.Ada.PostJsonAsync("/api/stream-tickets", new { kind = "relay", id = ids[0] }, HttpStatusCode.Created);
        await RefusedAsync($"{Path(ids[..1])}&ticket={single.GetProperty("ticket").GetString()}");

        // None of that has used it up.
        using (var response = await Browser.OpenStreamAsync(url, cancellation: Cancellation))
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        await RefusedAsync(Path([ids[1], ids[0]]) + ticket, "1-0.1-0");
        using var page = await Browser.GetAsync($"/api/relays?{ticket[1..]}", Cancellation);
        Assert.Equal(HttpStatusCode.Unauthorized, page.StatusCode);
    }

    [Fact]
    public async Task Ticket_of_several_used_by_many_at_once_connects_one()
    {
        var url = await UrlAsync([await RelayAsync(), await RelayAsync()]);
        var responses = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => Browser.OpenStreamAsync(url, cancellation: Cancellation)));
        Assert.Equal(1, responses.Count(response => response.StatusCode == HttpStatusCode.OK));
        Assert.Equal(9, responses.Count(response => response.StatusCode == HttpStatusCode.Unauthorized));
        foreach (var response in responses)
            response.Dispose();
    }

    [Fact]
    public async Task No_ticket_is_made_where_one_session_is_another_users()
    {
        var own = await RelayAsync();
        var others = (await service.Eve.RelayAsync()).Id();
        foreach (var id in (string[])[others, $"{Guid.NewGuid()}"])
        {
            var problem = await service.Ada.PostJsonAsync("/api/stream-tickets", new { ids = new[] { own, id } }, HttpStatusCode.NotFound);
            Assert.Equal("not_found", problem.GetProperty("code").GetString());
        }
    }

    [Fact]
    public async Task Resume_of_several_is_authorised_anew_for_each()
    {
        string[] ids = [await RelayAsync(), await RelayAsync(), await RelayAsync()];
        var url = await UrlAsync(ids);
        using (await Browser.OpenStreamAsync(url, cancellation: Cancellation))
            await AppendAsync(ids[1], "of another by now");
        await ExecuteAsync($"update sessions set user_id = 'eve' where id = '{ids[1]}'");
        await service.Ada.DeleteAsync($"/api/relays/{ids[2]}", Cancellation);
        await service.Ada.PostJsonAsync($"/api/relays/{ids[0]}/end", null);

        var rest = await Browser.ReadStreamAsync(url, "1-0.1-0.1-0", Cancellation);
        Assert.Equal(["deleted", "deleted"], rest.Where(item => item.Type == "status").Select(item => item.Data.GetProperty("code").GetString()));
        Assert.Equal([ids[0]], rest.Where(item => item.Type == "end").Select(item => item.Data.GetProperty("sessionId").GetString()));
        Assert.DoesNotContain(rest, item => item.Type == "chunk");
    }

    [Fact]
    public async Task Ticket_of_several_ends_and_is_pruned()
    {
        await using var host = await ServiceHost.StartAsync(
            service.Postgres, [.. service.Jwt.Settings, new("Auth:TicketLifetime", "00:00:00.2"), new("Auth:ResumeLifetime", "00:00:00.5")]);
        using var ada = service.Jwt.ClientOf(host.Address, "ada");
        string[] ids = [(await ada.RelayAsync()).Id(), (await ada.RelayAsync()).Id()];
        string[] urls = [await UrlAsync(ids, ada), await UrlAsync(ids, ada)];
        using (var connected = await host.Client.OpenStreamAsync(urls[1], cancellation: Cancellation))
            Assert.Equal(HttpStatusCode.OK, connected.StatusCode);
        await Eventually.TrueAsync(async () => await CountAsync(host, "select count(*) from tickets where valid_until > clock_timestamp()") == 0, "both tickets have ended");
        foreach (var url in urls)
            foreach (var cursor in (string?[])[null, "1-0.1-0"])
            {
                using var response = await host.Client.OpenStreamAsync(url, cursor, Cancellation);
                Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
            }

        await UrlAsync(ids, ada);
        Assert.Equal(1, await CountAsync(host, "select count(*) from tickets"));
    }

    [Theory]
    [InlineData("""{"ids":[]}""", "invalid_fields")]
    [InlineData("""{"ids":"{a}"}""", "invalid_fields")]
    [InlineData("""{"ids":[7]}""", "invalid_fields")]
    [InlineData("""{"ids":["x"]}""", "invalid_id")]
    [InlineData("""{"ids":["{a}","{a}"]}""", "invalid_fields")]
    [InlineData("""{"ids":["\ud800"]}""", "invalid_fields")]
    [InlineData("""{"ids":["{a}"],"kind":"relay"}""", "invalid_fields")]
    [InlineData("""{"ids":[{51}]}""", "invalid_fields")]
    public async Task Request_for_a_ticket_of_several_that_is_not_valid_is_refused(string body, string code)
    {
        body = body.Replace("{a}", $"{Guid.NewGuid()}", StringComparison.Ordinal)
            .Replace("{51}", string.Join(',', Enumerable.Range(0, 51).Select(_ => $"\"{Guid.NewGuid()}\"")), StringComparison.Ordinal);
        using var content = new StringContent(body, new System.Net.Http.Headers.MediaTypeHeaderValue("application/json"));
        using var response = await service.Ada.PostAsync("/api/stream-tickets", content, Cancellation);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal(code, JsonSerializer.Deserialize<JsonElement>(await response.Content.ReadAsStringAsync(Cancellation)).GetProperty("code").GetString());
    }

    async Task<string> RelayAsync() => (await service.Ada.RelayAsync()).Id();

    Task<JsonElement> AppendAsync(string relay, string text) =>
        service.Ada.PostJsonAsync($"/api/relays/{relay}/messages", new { type = "chunk", text }, HttpStatusCode.OK);

    static string Path(IEnumerable<string> ids) => $"/api/stream?ids={string.Join(',', ids)}";

    async Task<string> UrlAsync(string[] ids, HttpClient? client = null)
    {
        var ticket = await (client ?? service.Ada).PostJsonAsync("/api/stream-tickets", new { ids }, HttpStatusCode.Created);
        return $"{Path(ids)}&ticket={ticket.GetProperty("ticket").GetString()}";
    }

    async Task RefusedAsync(string url, string? cursor = null)
    {
        using var response = await Browser.OpenStreamAsync(url, cursor, Cancellation);
        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        var problem = JsonSerializer.Deserialize<JsonElement>(await response.Content.ReadAsStringAsync(Cancellation));
        Assert.Equal("invalid_ticket", problem.GetProperty("code").GetString());
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
