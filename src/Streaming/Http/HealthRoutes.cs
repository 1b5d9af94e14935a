using Streaming.Database;
using Streaming.Notifications;
using Streaming.Status;
using Streaming.Transforms;

namespace Streaming.Http;

/// <summary>Liveness, readiness, and each dependency by itself.</summary>
public static class HealthRoutes
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/health/live", () => Results.Json(new Health("live", null)))
            .WithTags("health").WithSummary("The process answers").Produces<Health>().AllowAnonymous();
        routes.MapGet("/health/ready", async (Postgres postgres, Replica replica, ChangeListener listener, TransformWorker worker, IHostApplicationLifetime lifetime, CancellationToken cancellation) =>
            {
                var replicaAnswers = replica.AnswersAsync(cancellation);
                var checks = new HealthChecks(
                    await postgres.AnswersAsync(cancellation), listener.IsListening, worker.IsWorker ? worker.IsRunning : null, await replicaAnswers);
                var isReady = checks is { Database: true, Listener: true, Worker: not false } && !lifetime.ApplicationStopping.IsCancellationRequested;
                return Results.Json(new Health(isReady ? "ready" : "not ready", checks), statusCode: isReady ? 200 : 503);
            })
            .WithTags("health").WithSummary("Migrations are done; database, listener and worker run").Produces<Health>().Produces<Health>(503).AllowAnonymous();
        routes.MapGet("/health/dependencies", async (Dependencies dependencies, CancellationToken cancellation) =>
            {
                var looked = await dependencies.LookAsync(cancellation);
                var status = Dependencies.Sum(looked);
                return Results.Json(new DependencyReport(status, [.. looked.Select(ForAll)]), statusCode: status == "unhealthy" ? 503 : 200);
            })
            .WithTags("health").WithSummary("What the service needs, each with its status and how long it took to answer").Produces<DependencyReport>().Produces<DependencyReport>(503).AllowAnonymous();
        routes.MapGet("/health/dependencies/{name}", async (string name, Dependencies dependencies, CancellationToken cancellation) =>
                await dependencies.LookAsync(name, cancellation) is { } found
                    ? Results.Json(ForAll(found), statusCode: found.Status == Dependency.Down ? 503 : 200)
                    : Problems.NotFound.Problem($"Those that there may be: {string.Join(", ", Dependencies.Names)}."))
            .WithTags("health").WithSummary("One of them").Produces<Dependency>().Produces<Dependency>(503).ProducesProblem(404).AllowAnonymous();
    }

    /// <summary>Who generates is not for everybody.</summary>
    static Dependency ForAll(Dependency dependency) => dependency.Name == "provider" ? dependency with { Detail = null } : dependency;

    public sealed record DependencyReport(string Status, IReadOnlyList<Dependency> Dependencies);

    public sealed record Health(string Status, HealthChecks? Checks);

    /// <param name="Database">Whether it answers within a second.</param>
    /// <param name="Listener">Whether notifications arrive.</param>
    /// <param name="Worker">Whether generations are claimed; null where the role is <c>api</c>.</param>
    /// <param name="Replica">For information, the service works without it: whether it answers; null if there is none.</param>
    public sealed record HealthChecks(bool Database, bool Listener, bool? Worker, bool? Replica);
}
