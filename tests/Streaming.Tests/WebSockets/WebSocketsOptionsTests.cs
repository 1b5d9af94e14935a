using Streaming.Configuration;
using Streaming.WebSockets;
using Xunit;

namespace Streaming.Tests.WebSockets;

/// <summary>Options that no connection could live with are named at the start.</summary>
public sealed class WebSocketsOptionsTests
{
    public static TheoryData<string, Action<WebSocketsOptions>> Faults => new()
    {
        { "MessageBytesMax", options => options.MessageBytesMax = 1000 },
        { "MessagesPerSecond", options => options.MessagesPerSecond = 0 },
        { "MessagesPerSecond", options => options.MessagesPerSecond = double.NaN },
        { "MessageBurst", options => options.MessageBurst = 0 },
        { "ChannelsMax", options => options.ChannelsMax = 0 },
        { "SlowTimeout", options => options.SlowTimeout = TimeSpan.Zero },
        { "PongTimeout", options => options.PongTimeout = TimeSpan.FromDays(2) },
        { "AllowedOrigins", options => options.AllowedOrigins.Add("https://app.example/") },
        { "AllowedOrigins", options => options.AllowedOrigins.Add("app.example") },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public void Option_that_cannot_work_is_named(string option, Action<WebSocketsOptions> change)
    {
        var options = new WebSocketsOptions();
        Assert.True(new WebSocketsOptionsValidation().Validate(null, options).Succeeded);
        change(options);
        Assert.Contains($"WebSockets:{option}", new WebSocketsOptionsValidation().Validate(null, options).FailureMessage, StringComparison.Ordinal);
    }
}
