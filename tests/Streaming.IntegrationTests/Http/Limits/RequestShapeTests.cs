using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.IntegrationTests.Http.Limits;

/// <summary>Bodies that are nested deep, and requests that never come to an end.</summary>
public sealed class RequestShapeTests(ServiceFixture service) : IClassFixture<ServiceFixture>
{
    [Theory]
    [InlineData(32, HttpStatusCode.OK)]
    [InlineData(33, HttpStatusCode.BadRequest)]
    [InlineData(100_000, HttpStatusCode.BadRequest)]
    public async Task Body_is_as_deep_as_the_limit_at_most(int depth, HttpStatusCode expected)
    {
        var relay = (await service.Host.Client.RelayAsync()).Id();
        var body = $$"""{"type":"chunk","deep":{{new string('[', depth - 1)}}{{new string(']', depth - 1)}}}""";
        using var response = await service.Host.Client.PostAsync($"/api/relays/{relay}/messages", new StringContent(body, Encoding.UTF8, "application/json"));
        Assert.Equal(expected, response.StatusCode);
        var answer = JsonSerializer.Deserialize<JsonElement>(await response.Content.ReadAsStringAsync());
        if (expected != HttpStatusCode.OK)
        {
            Assert.Equal("invalid_body", answer.GetProperty("code").GetString());
            Assert.Contains("Limits:JsonDepthMax", answer.GetProperty("detail").GetString(), StringComparison.Ordinal);
        }

        // What was taken can be read.
        await service.Host.Client.PostJsonAsync($"/api/relays/{relay}/end", null);
        var events = await service.Host.Client.ReadStreamAsync($"/api/stream/relay/{relay}");
        Assert.Equal(expected == HttpStatusCode.OK, events.Any(e => e.Data.TryGetProperty("deep", out _)));
    }

    [Fact]
    public async Task Deepest_body_that_can_be_configured_can_be_read()
    {
        const int Depth = 64;
        await using var host = await ServiceHost.StartAsync(service.Postgres, [new("Limits:JsonDepthMax", "64")]);
        var relay = (await host.Client.RelayAsync()).Id();
        var body = $$"""{"type":"chunk","deep":{{new string('[', Depth - 1)}}{{new string(']', Depth - 1)}}}""";
        using var response = await host.Client.PostAsync($"/api/relays/{relay}/messages", new StringContent(body, Encoding.UTF8, "application/json"));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        await host.Client.PostJsonAsync($"/api/relays/{relay}/end", null);
        var events = await host.Client.ReadStreamAsync($"/api/stream/relay/{relay}");
        Assert.Contains(events, e => e.Data.TryGetProperty("deep", out _));
    }

    [Fact]
    public async Task Request_whose_headers_trickle_in_is_given_up()
    {
        await using var host = await ServiceHost.StartAsync(service.Postgres, [new("Kestrel:Limits:RequestHeadersTimeout", "00:00:01")]);
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(host.Address.Host, host.Address.Port);
        await socket.SendAsync(Encoding.ASCII.GetBytes($"GET /health/live HTTP/1.1\r\nHost: {host.Address.Authority}\r\n"));
        using var over = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        var answer = Task.Run(async () =>
        {
            var text = new StringBuilder();
            var buffer = new byte[1024];
            while (await socket.ReceiveAsync(buffer, over.Token) is > 0 and var count)
                text.Append(Encoding.ASCII.GetString(buffer, 0, count));
            return text.ToString();
        });
        // Each byte comes in time, and the headers never do.
        while (!answer.IsCompleted)
        {
            try
            {
                await socket.SendAsync("X-Slow: x\r\n"u8.ToArray(), over.Token);
            }
            catch (SocketException)
            {
                break;
            }

            await Task.WhenAny(answer, Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, over.Token));
        }

        Assert.StartsWith("HTTP/1.1 408", await answer, StringComparison.Ordinal);
        Assert.True((await host.Client.GetAsync("/health/live")).IsSuccessStatusCode);
    }
}
