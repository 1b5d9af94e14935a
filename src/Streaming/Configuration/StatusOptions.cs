using Microsoft.Extensions.Options;

namespace Streaming.Configuration;

/// <summary>Section <c>Status</c>: what the service writes down of itself, and how often it tells those who watch.</summary>
public sealed class StatusOptions
{
    /// <summary>Time between two samples; default 30 s, the same for all instances.</summary>
    public TimeSpan SampleInterval { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long samples are kept; default 24 h.</summary>
    public TimeSpan KeptFor { get; set; } = TimeSpan.FromHours(24);

    /// <summary>Samples of all instances that are kept at most; default 20,000, the newest.</summary>
    public int SamplesMax { get; set; } = 20_000;

    /// <summary>Time between two updates of an open dashboard; default 2 s, 10 s at most, because it is also its heartbeat.</summary>
    public TimeSpan UpdateInterval { get; set; } = TimeSpan.FromSeconds(2);
}

/// <summary>Names what cannot work.</summary>
public sealed class StatusOptionsValidation : IValidateOptions<StatusOptions>
{
    public static readonly TimeSpan UpdateIntervalMax = TimeSpan.FromSeconds(10);

    public ValidateOptionsResult Validate(string? name, StatusOptions options) =>
        options.SampleInterval < TimeSpan.FromSeconds(1) || options.SampleInterval > TimeSpan.FromHours(1) ? ValidateOptionsResult.Fail("Status:SampleInterval must be from 1 s to 1 h.")
        : options.KeptFor <= TimeSpan.Zero ? ValidateOptionsResult.Fail("Status:KeptFor must be more than 0.")
        : options.SamplesMax < 1 ? ValidateOptionsResult.Fail("Status:SamplesMax must be 1 or more.")
        : options.UpdateInterval < TimeSpan.FromMilliseconds(100) || options.UpdateInterval > UpdateIntervalMax
            ? ValidateOptionsResult.Fail("Status:UpdateInterval must be from 0.1 s to 10 s.")
        : ValidateOptionsResult.Success;
}
