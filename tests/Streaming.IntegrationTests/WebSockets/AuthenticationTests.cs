using System.Net;
using System.Net.Http.Json;
using System.Net.WebSockets;
using System.Text.Json;
using Streaming.IntegrationTests.Fixtures;
using Streaming.WebSockets;
using Xunit;

namespace Streaming.IntegrationTests.WebSockets;

/// <summary>Who a connection is of, and what is another's.</summary>
public sealed class AuthenticationTests(JwtFixture service) : IClassFixture<JwtFixture>
{
    Uri Address => service.Host.Address;

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Token_of_the_first_message_says_who_it_is()
    {
        await using var reader = await WebSocketReader.ConnectAsync(Address);
        await reader.SendAsync(new { type = "subscribe", id = "early", payload = new { channels = new[] { "user:ada:streams" } } });
        Assert.Equal("unauthenticated", (await reader.AnswerAsync("early")).Code());
        await reader.SendAsync(new { type = "ping", id = "p" });
        Assert.Equal("pong", (await reader.AnswerAsync("p")).Type());

        await reader.SendAsync(new { type = "authenticate", id = "a", payload = new { token = service.Jwt.Token("ada") } });
        var answer = (await reader.AnswerAsync("a")).GetProperty("payload");
        Assert.Equal("ada", answer.GetProperty("user").GetString());
        Assert.InRange(answer.GetProperty("expiresAt").GetDateTimeOffset(), TimeProvider.System.GetUtcNow().AddMinutes(9), TimeProvider.System.GetUtcNow().AddMinutes(12));
        var relay = (await service.Ada.RelayAsync()).Id();
        await reader.SubscribeAsync("user:ada:streams", $"session:{relay}");
    }

    [Fact]
    public async Task Bearer_of_the_handshake_says_who_it_is_and_a_wrong_one_is_refused()
    {
        await using var reader = await WebSocketReader.OpenAsync(Address, token: service.Jwt.Token("ada"));
        await reader.SubscribeAsync("user:ada:streams");
        var fault = await Assert.ThrowsAsync<WebSocketException>(() => WebSocketReader.ConnectAsync(Address, token: "none", options: options => options.CollectHttpResponseDetails = true));
        Assert.Contains("401", fault.Message, StringComparison.Ordinal);
        // In the address it is no token.
        await using var anonymous = await WebSocketReader.ConnectAsync(Address, $"/ws?token={service.Jwt.Token("ada")}&access_token={service.Jwt.Token("ada")}");
        await anonymous.SendAsync(new { type = "subscribe", id = "s", payload = new { channels = new[] { "user:ada:streams" } } });
        Assert.Equal("unauthenticated", (await anonymous.AnswerAsync("s")).Code());
    }

    [Fact]
    public async Task Wrong_token_of_a_message_is_closed()
    {
        foreach (var token in (string[])["none", service.Jwt.Token("ada", -TimeSpan.FromHours(1)), new JwtSettings().Token("ada"), ""])
        {
            await using var reader = await WebSocketReader.ConnectAsync(Address);
            await reader.SendAsync(new { type = "authenticate", id = "a", payload = new { token } });
            Assert.Equal("invalid_token", (await reader.AnswerAsync("a")).Code());
            Assert.Equal((4002, "invalid_token"), await reader.UntilClosedAsync());
        }
    }

    [Fact]
    public async Task WebSocket_ticket_connects_once_and_opens_no_stream()
    {
        var ticket = await TicketAsync(service.Ada, new { webSocket = true });
        var relay = (await service.Ada.RelayAsync()).Id();
        foreach (var path in (string[])[$"/api/stream/relay/{relay}?ticket={ticket}", $"/api/stream?ids={relay}&ticket={ticket}"])
        {
            using var response = await service.Host.Client.GetAsync(path, Cancellation);
            Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        }

        await using var reader = await WebSocketReader.ConnectAsync(Address, $"/ws?ticket={ticket}");
        Assert.Equal("ada", (await reader.UntilAsync("authenticated")).GetProperty("payload").GetProperty("user").GetString());
        await reader.SubscribeAsync("user:ada:streams");
        // Used; and with what an EventSource resumes with.
        await using var again = await WebSocketReader.ConnectAsync(Address, $"/ws?ticket={ticket}");
        Assert.Equal((4003, "invalid_ticket"), await again.UntilClosedAsync());
        await using var resumed = await WebSocketReader.ConnectAsync(Address, $"/ws?ticket={ticket}", options: options => options.SetRequestHeader("Last-Event-ID", "1-0"));
        Assert.Equal((4003, "invalid_ticket"), await resumed.UntilClosedAsync());
    }

    [Fact]
    public async Task Ticket_of_a_stream_opens_no_WebSocket()
    {
        var relay = (await service.Ada.RelayAsync()).Id();
        foreach (var body in (object[])[new { kind = "relay", id = relay }, new { ids = new[] { relay } }])
        {
            await using var reader = await WebSocketReader.ConnectAsync(Address, $"/ws?ticket={await TicketAsync(service.Ada, body)}");
            Assert.Equal((4003, "invalid_ticket"), await reader.UntilClosedAsync());
        }
    }

    [Theory]
    [InlineData("""{"webSocket":false}""")]
    [InlineData("""{"webSocket":true,"kind":"relay"}""")]
    [InlineData("""{"webSocket":true,"ids":[]}""")]
    public async Task Request_for_a_WebSocket_ticket_that_is_not_valid_is_refused(string body)
    {
        using var response = await service.Ada.PostAsJsonAsync("/api/stream-tickets", JsonElement.Parse(body), Cancellation);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
    }

    [Fact]
    public async Task Channels_of_another_user_are_refused_and_tell_nothing()
    {
        var relay = (await service.Ada.RelayAsync()).Id();
        await using var eve = await WebSocketReader.OpenAsync(Address, token: service.Jwt.Token("eve"));
        foreach (var (channel, code) in ((string, string)[])
        [
            ("user:ada:streams", "channel_forbidden"), ("user:ada:uploads", "channel_forbidden"), ("user:ada:flirts", "channel_forbidden"),
            ("user:nobody:streams", "channel_forbidden"), ($"session:{relay}", "not_found"), ($"session:{Guid.NewGuid()}", "not_found"),
        ])
        {
            await eve.SendAsync(new { type = "subscribe", id = channel, payload = new { channels = new[] { "user:eve:streams", channel } } });
            Assert.Equal(code, (await eve.AnswerAsync(channel)).Code());
        }

        // Another's session in one's own cursor is the same as one that never was. And all or nothing: eve has no channel yet.
        var never = Guid.NewGuid().ToString();
        await eve.SubscribeAsync(new { channel = "user:eve:streams", cursor = new { since = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds(), sessions = new Dictionary<string, string> { [relay] = "1-0", [never] = "1-0" } } });
        var told = new[] { await eve.UntilAsync("stream_update"), await eve.UntilAsync("stream_update") }.Select(update => update.GetProperty("payload")).ToDictionary(payload => payload.GetProperty("sessionId").GetString()!);
        Assert.Equal("deleted", told[relay].GetProperty("code").GetString());
        Assert.Equal("deleted", told[never].GetProperty("code").GetString());

        await service.Ada.PostJsonAsync($"/api/relays/{relay}/messages", new { type = "chunk", text = "of ada" }, HttpStatusCode.OK);
        var own = (await service.Eve.RelayAsync()).Id();
        Assert.Equal(own, (await eve.UntilAsync("stream_update")).GetProperty("payload").GetProperty("sessionId").GetString());
    }

    [Fact]
    public async Task Connection_ends_with_its_token_unless_a_new_one_comes()
    {
        await using var host = await ServiceHost.StartAsync(service.Postgres, [.. service.Jwt.Settings, new("Auth:ClockSkew", "00:00:00")]);
        await using var stays = await WebSocketReader.OpenAsync(host.Address, token: service.Jwt.Token("ada", TimeSpan.FromSeconds(2)));
        await using var ends = await WebSocketReader.OpenAsync(host.Address, token: service.Jwt.Token("ada", TimeSpan.FromSeconds(2)));
        await stays.SendAsync(new { type = "authenticate", id = "eve", payload = new { token = service.Jwt.Token("eve") } });
        Assert.Equal("another_user", (await stays.AnswerAsync("eve")).Code());
        await stays.SendAsync(new { type = "authenticate", id = "new", payload = new { token = service.Jwt.Token("ada") } });
        Assert.Equal("authenticated", (await stays.AnswerAsync("new")).Type());

        Assert.Equal((4004, "token_expired"), await ends.UntilClosedAsync());
        await stays.SubscribeAsync("user:ada:streams");
    }

    [Fact]
    public async Task Page_of_another_origin_may_not_connect()
    {
        await using var host = await ServiceHost.StartAsync(service.Postgres, [new("WebSockets:AllowedOrigins:0", "https://app.example")]);
        foreach (var origin in (string[])["https://evil.example", "null", "https://app.example.evil.example", "http://app.example", $"http://127.0.0.1:{host.Address.Port + 1}", "file://", $"{host.Address.Authority}"])
        {
            var fault = await Assert.ThrowsAsync<WebSocketException>(() => WebSocketReader.ConnectAsync(host.Address, options: options => options.SetRequestHeader("Origin", origin)));
            Assert.Contains("403", fault.Message, StringComparison.Ordinal);
        }

        foreach (var origin in (string[])["https://app.example", $"http://{host.Address.Authority}"])
        {
            await using var reader = await WebSocketReader.ConnectAsync(host.Address, options: options => options.SetRequestHeader("Origin", origin));
            await reader.UntilAsync("authenticated");
        }
    }

    [Fact]
    public async Task Who_does_not_say_who_it_is_in_time_is_closed_and_one_too_many_of_them_at_once()
    {
        await using var host = await ServiceHost.StartAsync(service.Postgres, [
            .. service.Jwt.Settings, new("WebSockets:AuthenticationTimeout", "00:00:01"), new("WebSockets:UnauthenticatedMax", "2")]);
        await using var first = await WebSocketReader.ConnectAsync(host.Address);
        await using var second = await WebSocketReader.ConnectAsync(host.Address);
        await Eventually.TrueAsync(() => Task.FromResult(host.Service<OpenConnections>().Counts.Unauthenticated == 2), "both wait");
        await using var third = await WebSocketReader.ConnectAsync(host.Address);
        Assert.Equal((1013, "server_full"), await third.UntilClosedAsync());
        // Who says it in the handshake is not kept out by them.
        await using var known = await WebSocketReader.OpenAsync(host.Address, token: service.Jwt.Token("ada"));

        Assert.Equal((4001, "authentication_timeout"), await first.UntilClosedAsync());
        Assert.Equal((4001, "authentication_timeout"), await second.UntilClosedAsync());
        Assert.Equal(WebSocketState.Open, known.Socket.State);
    }

    static async Task<string> TicketAsync(HttpClient client, object body) =>
        (await client.PostJsonAsync("/api/stream-tickets", body, HttpStatusCode.Created)).GetProperty("ticket").GetString()!;
}
