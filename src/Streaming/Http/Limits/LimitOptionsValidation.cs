using Microsoft.Extensions.Options;
using Streaming.Configuration;

namespace Streaming.Http.Limits;

/// <summary>Refuses a start with limits that nothing could keep to.</summary>
public sealed class LimitOptionsValidation : IValidateOptions<LimitOptions>, IValidateOptions<MessageOptions>
{
    // The messages that say how a run goes must fit.
    const int DataBytesMin = 1024;

    // What readers of JSON take by default, ours among them: deeper messages could be stored, and not read.
    const int JsonDepthMax = 64;

    // A request line of 8 KiB holds so many ids, of 37 characters, and their cursors, of 22.
    const int SessionsPerStreamMax = 100;

    public ValidateOptionsResult Validate(string? name, LimitOptions options)
    {
        var faults = Faults(options).ToList();
        return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }

    public ValidateOptionsResult Validate(string? name, MessageOptions options) => options.DataBytesMax >= DataBytesMin
        ? ValidateOptionsResult.Success
        : ValidateOptionsResult.Fail($"Messages:DataBytesMax must be {DataBytesMin} or more.");

    static IEnumerable<string> Faults(LimitOptions options)
    {
        (string Name, int Value)[] positive =
        [
            ("BodyBytesMax", options.BodyBytesMax), ("JsonDepthMax", options.JsonDepthMax),
            ("UserInputCharactersMax", options.UserInputCharactersMax), ("SourceCharactersMax", options.SourceCharactersMax),
            ("GenrePathsMax", options.GenrePathsMax), ("IdeasMax", options.IdeasMax), ("RelayMessagesMax", options.RelayMessagesMax),
            ("PageMax", options.PageMax), ("StreamsMax", options.StreamsMax), ("RequestBurst", options.RequestBurst),
        ];
        foreach (var (option, value) in positive)
            if (value < 1)
                yield return $"Limits:{option} must be 1 or more.";
        if (options.SessionsPerStreamMax is < 1 or > SessionsPerStreamMax)
            yield return $"Limits:SessionsPerStreamMax must be 1 to {SessionsPerStreamMax}.";
        if (options.JsonDepthMax > JsonDepthMax)
            yield return $"Limits:JsonDepthMax must be {JsonDepthMax} at most.";
        if (options.StreamsPerUserMax < 0 || options.SessionsInProgressMax < 0 || options.ConnectionsPerSecond < 0)
            yield return "Limits:StreamsPerUserMax, Limits:SessionsInProgressMax and Limits:ConnectionsPerSecond must be 0 (no limit) or more.";
        if (options.RequestsPerSecond is { } rate && !(rate == 0 || (rate >= 0.001 && rate <= 1_000_000)))
            yield return "Limits:RequestsPerSecond must be 0 (no limit), or from 0.001 to 1,000,000.";
    }
}
