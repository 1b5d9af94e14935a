using Microsoft.Extensions.Options;
using Streaming.Configuration;

namespace Streaming.Telemetry;

/// <summary>Refuses a start with an address that nothing could be sent to.</summary>
public sealed class TelemetryOptionsValidation : IValidateOptions<TelemetryOptions>
{
    public ValidateOptionsResult Validate(string? name, TelemetryOptions options) =>
        options.OtlpEndpoint is null or { IsAbsoluteUri: true, Scheme: "http" or "https" }
            ? ValidateOptionsResult.Success
            : ValidateOptionsResult.Fail("Telemetry:OtlpEndpoint must be an absolute http or https address, such as http://127.0.0.1:4318.");
}
