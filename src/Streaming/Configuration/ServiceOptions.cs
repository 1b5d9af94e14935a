using Microsoft.Extensions.Options;

namespace Streaming.Configuration;

/// <summary>Section <c>Streaming</c>: what this process does, and where it keeps its own files.</summary>
public sealed class ServiceOptions
{
    /// <summary>Requests and generations, the whole service.</summary>
    public const string All = "all";

    /// <summary>Requests and streams alone: somebody else runs what is asked for.</summary>
    public const string Api = "api";

    /// <summary>Generations alone; of HTTP there is only its health.</summary>
    public const string Worker = "worker";

    /// <summary><c>all</c> (default), <c>api</c> or <c>worker</c>. The last two need a database that they share.</summary>
    public string Role { get; set; } = All;

    /// <summary>
    /// Folder of the embedded database and of files; default the user's application-data folder, <c>streaming</c>;
    /// as root <c>/var/lib/streaming</c>, because PostgreSQL then runs as another user, who cannot enter root's home.
    /// </summary>
    public string? DataDirectory { get; set; }

    /// <summary>Whether this process answers requests.</summary>
    public bool IsApi => Role != Worker;

    /// <summary>Whether this process runs generations.</summary>
    public bool IsWorker => Role != Api;
}

/// <summary>Says what a role needs.</summary>
public sealed class ServiceOptionsValidation(IConfiguration configuration) : IValidateOptions<ServiceOptions>
{
    public ValidateOptionsResult Validate(string? name, ServiceOptions options) => options.Role switch
    {
        ServiceOptions.All => ValidateOptionsResult.Success,
        not (ServiceOptions.Api or ServiceOptions.Worker) =>
            ValidateOptionsResult.Fail($"Streaming:Role must be all, api or worker, and is '{options.Role}'."),
        _ when string.IsNullOrWhiteSpace(configuration.GetConnectionString("Streaming")) =>
            ValidateOptionsResult.Fail($"Streaming:Role={options.Role} needs ConnectionStrings:Streaming: an embedded database is not shared with anybody."),
        _ => ValidateOptionsResult.Success,
    };
}
