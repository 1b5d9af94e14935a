using Microsoft.Extensions.Options;
using Streaming.Configuration;

namespace Streaming.Http.Authentication;

/// <summary>Refuses a start with <see cref="AuthOptions"/> that would let nobody in, or everybody.</summary>
public sealed class AuthOptionsValidation(IConfiguration configuration) : IValidateOptions<AuthOptions>
{
    public static readonly TimeSpan ClockSkewMax = TimeSpan.FromMinutes(5);
    public static readonly TimeSpan TicketLifetimeMax = TimeSpan.FromHours(1);
    public static readonly TimeSpan ResumeLifetimeMax = TimeSpan.FromDays(1);

    public ValidateOptionsResult Validate(string? name, AuthOptions options)
    {
        var faults = Faults(options, configuration).ToList();
        return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }

    /// <summary>One sentence for each option at fault; empty when all is well. No sentence holds a secret.</summary>
    public static IEnumerable<string> Faults(AuthOptions options, IConfiguration configuration)
    {
        var mode = options.Mode switch
        {
            AuthOptions.None => NoneFaults(options, configuration),
            AuthOptions.Jwt => JwtFaults(options),
            _ => [$"Auth:Mode is '{options.Mode}'; it can be 'none' or 'jwt'."],
        };
        return mode.Concat(TimeFaults(options));
    }

    /// <summary>What is said of an address that mode <c>none</c> may not listen on.</summary>
    public static string RemoteFault(string address) =>
        $"With Auth:Mode 'none' everybody who reaches the service is its one user, so it listens on loopback only, not on {address}. "
        + "Set Auth:Mode to 'jwt', or listen on http://127.0.0.1:5080, or set Auth:AllowRemote if something in front of it checks who comes.";

    static IEnumerable<string> NoneFaults(AuthOptions options, IConfiguration configuration) =>
        options.AllowRemote ? [] : ListenAddresses.Remote(configuration).Select(RemoteFault);

    static IEnumerable<string> JwtFaults(AuthOptions options)
    {
        if (string.IsNullOrWhiteSpace(options.Issuer))
            yield return "Auth:Issuer is missing: name the iss that tokens have.";
        if (string.IsNullOrWhiteSpace(options.Audience))
            yield return "Auth:Audience is missing: name the aud that tokens for this service have.";
        var keys = SigningKeys.Load(options);
        foreach (var fault in keys.Faults)
            yield return fault;
        if (keys.Keys.Count == 0 && keys.Faults.Count == 0)
            yield return "There is no key that tokens can be checked with: set Auth:Keys or Auth:JwksFile.";
    }

    static IEnumerable<string> TimeFaults(AuthOptions options)
    {
        if (options.ClockSkew < TimeSpan.Zero || options.ClockSkew > ClockSkewMax)
            yield return "Auth:ClockSkew must be from 0 to 5 min.";
        if (options.TicketLifetime <= TimeSpan.Zero || options.TicketLifetime > TicketLifetimeMax)
            yield return "Auth:TicketLifetime must be more than 0 and at most 1 h.";
        if (options.ResumeLifetime < TimeSpan.Zero || options.ResumeLifetime > ResumeLifetimeMax)
            yield return "Auth:ResumeLifetime must be from 0 to 1 day.";
    }
}
