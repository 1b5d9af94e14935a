namespace Streaming.Estimation;

/// <summary>A completed run of the same kind, as <see cref="DurationModel"/> learns from it.</summary>
/// <param name="Model">Who generated, compared by equality; a run factor learnt for one says nothing of the level of another.</param>
/// <param name="Stages">Its stages, in any order; a stage that is missing here is unknown of this run.</param>
public sealed record PastRun(string Model, IReadOnlyList<PastStage> Stages);

/// <summary>How long a stage of a past run took.</summary>
/// <param name="Stage">Name of the stage.</param>
/// <param name="Size">Amount of work that was asked for, in a unit that is the same for all runs of the kind; more than 0.</param>
/// <param name="Seconds">Its duration, 0 or more.</param>
/// <param name="HalfSeconds">When its fraction first reached 0.5, in seconds from its beginning; null if it reported none.</param>
public readonly record struct PastStage(string Stage, double Size, double Seconds, double? HalfSeconds = null);

/// <summary>A stage that this run has before it.</summary>
/// <param name="Stage">Name of the stage.</param>
/// <param name="Size">As <see cref="PastStage.Size"/>.</param>
/// <param name="Weight">Its announced share of the whole, on any scale; all there is to go by for a stage without history.</param>
public readonly record struct PlannedStage(string Stage, double Size, double Weight);
