using Streaming.Sessions;

namespace Streaming.Transforms;

/// <summary>A kind of session that a worker runs.</summary>
public interface IPipeline : ISessionKind
{
    /// <summary>Property of the session's input, a number, that the time a stage takes grows with, as a path with dots; null: all take alike.</summary>
    string? SizeProperty => null;

    /// <summary>The stages whose time grows with it; null: all.</summary>
    IReadOnlyList<string>? SizedStages => null;

    /// <summary>Runs of its queue at once in this process; null: <c>Transforms:Concurrency</c>. The same for all kinds of a queue.</summary>
    int? ConcurrencyMax => null;

    /// <summary>
    /// Runs the stages in order, passing over those that an earlier attempt has completed. Returning completes the transform.
    /// </summary>
    /// <exception cref="TransformFault">The transform fails; what was made so far is kept.</exception>
    /// <exception cref="Models.ModelFault">The same, for a fault of the model's provider.</exception>
    Task RunAsync(RunContext run, CancellationToken cancellation);
}
