using Streaming.Database;
using Streaming.Images;
using Streaming.Models;
using Streaming.Notifications;
using Streaming.Transforms;

namespace Streaming.Status;

/// <summary>Something that the service needs, or can make use of.</summary>
/// <param name="Name">What it is.</param>
/// <param name="Status"><c>up</c>, <c>degraded</c> or <c>down</c>.</param>
/// <param name="Required">Whether the service is not ready without it.</param>
/// <param name="LatencyMs">What asking it has taken; null: it is not asked, this process knows.</param>
/// <param name="Detail">For a person; null: there is nothing to say.</param>
public sealed record Dependency(string Name, string Status, bool Required, double? LatencyMs, string? Detail)
{
    public const string Up = "up";
    public const string Degraded = "degraded";
    public const string Down = "down";
}

/// <summary>
/// Looks at each of them. A provider is not asked, which would cost money: it is judged by its circuit breaker, so by what became of the
/// last calls.
/// </summary>
public sealed class Dependencies(
    Postgres postgres, Replica replica, ChangeListener listener, TransformWorker worker, ModelClient model, ImageOptimizer images, TimeProvider clock)
{
    public static readonly IReadOnlyList<string> Names = ["database", "listener", "worker", "replica", "provider", "image_program"];

    /// <summary>Those that there are here, in the order of <see cref="Names"/>.</summary>
    public async Task<IReadOnlyList<Dependency>> LookAsync(CancellationToken cancellation)
    {
        var looks = await Task.WhenAll(Names.Select(name => LookAsync(name, cancellation)));
        return [.. looks.OfType<Dependency>()];
    }

    /// <summary>One of them; null: there is none of this name here.</summary>
    public async Task<Dependency?> LookAsync(string name, CancellationToken cancellation) => name switch
    {
        "database" => await AskAsync(name, true, async () => await postgres.AnswersAsync(cancellation), "It does not answer within a second."),
        "listener" => Known(name, listener.IsListening ? Dependency.Up : Dependency.Down, true, listener.IsListening ? null : "Notifications do not arrive; what they announce is found within seconds."),
        "worker" when worker.IsWorker => Known(name, worker.IsRunning ? Dependency.Up : Dependency.Down, true, null),
        "replica" when replica.IsConfigured => await AskAsync(
            name, false, async () => await replica.AnswersAsync(cancellation) == true, "It does not answer; reads go to the primary."),
        "provider" => Known(name, model.Circuit switch { 0 => Dependency.Up, 1 => Dependency.Degraded, _ => Dependency.Down }, false, model.Circuit switch
        {
            0 => $"{model.Info.Provider}, {model.Info.Model}",
            1 => $"{model.Info.Provider}, {model.Info.Model}: it is being tried again.",
            _ => $"{model.Info.Provider}, {model.Info.Model}: it kept failing, and is left alone for a while.",
        }),
        "image_program" => Known(name, images.IsInstalled ? Dependency.Up : Dependency.Degraded, false, images.IsInstalled ? null : "vips is not installed: uploads are stored as they come."),
        _ => null,
    };

    /// <summary>What they come to.</summary>
    public static string Sum(IEnumerable<Dependency> dependencies) => dependencies.Aggregate("healthy", (sum, one) => one switch
    {
        { Status: Dependency.Down, Required: true } => "unhealthy",
        // A missing program is how this service was set up.
        { Status: not Dependency.Up, Name: not "image_program" } when sum == "healthy" => "degraded",
        _ => sum,
    });

    async Task<Dependency> AskAsync(string name, bool isRequired, Func<Task<bool>> answers, string otherwise)
    {
        var began = clock.GetTimestamp();
        var isUp = await answers();
        var time = Math.Round(clock.GetElapsedTime(began).TotalMilliseconds, 2);
        return new Dependency(name, isUp ? Dependency.Up : Dependency.Down, isRequired, isUp ? time : null, isUp ? null : otherwise);
    }

    static Dependency Known(string name, string status, bool isRequired, string? detail) => new(name, status, isRequired, null, detail);
}
