using Microsoft.Extensions.Options;
using Streaming.Configuration;

namespace Streaming.WebSockets;

/// <summary>Refuses a start with options that no connection could live with.</summary>
public sealed class WebSocketsOptionsValidation : IValidateOptions<WebSocketsOptions>
{
    // What a token and a few cursors need.
    const int MessageBytesMin = 16 * 1024;

    public ValidateOptionsResult Validate(string? name, WebSocketsOptions options)
    {
        var faults = Faults(options).ToList();
        return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }

    static IEnumerable<string> Faults(WebSocketsOptions options)
    {
        if (options.MessageBytesMax < MessageBytesMin)
            yield return $"WebSockets:MessageBytesMax must be {MessageBytesMin} or more.";
        if (!(options.MessagesPerSecond >= 0.001 && options.MessagesPerSecond <= 1_000_000))
            yield return "WebSockets:MessagesPerSecond must be from 0.001 to 1,000,000.";
        (string Name, int Value)[] positive =
        [
            ("MessageBurst", options.MessageBurst), ("ChannelsMax", options.ChannelsMax), ("SessionsPerChannelMax", options.SessionsPerChannelMax),
            ("UnauthenticatedMax", options.UnauthenticatedMax),
        ];
        foreach (var (option, value) in positive)
            if (value < 1)
                yield return $"WebSockets:{option} must be 1 or more.";
        (string Name, TimeSpan Value)[] times =
        [
            ("ResumeWindow", options.ResumeWindow), ("AuthenticationTimeout", options.AuthenticationTimeout), ("IdleTimeout", options.IdleTimeout),
            ("SlowTimeout", options.SlowTimeout), ("CloseTimeout", options.CloseTimeout), ("PingInterval", options.PingInterval),
            ("PongTimeout", options.PongTimeout), ("StatusInterval", options.StatusInterval),
        ];
        foreach (var (option, value) in times)
            if (value <= TimeSpan.Zero || value > TimeSpan.FromDays(1))
                yield return $"WebSockets:{option} must be longer than 0, and a day at most.";
        foreach (var origin in options.AllowedOrigins)
            if (!Uri.TryCreate(origin, UriKind.Absolute, out var uri) || uri.GetLeftPart(UriPartial.Authority) != origin)
                yield return $"WebSockets:AllowedOrigins: {origin} is no origin, such as https://app.example.";
    }
}
