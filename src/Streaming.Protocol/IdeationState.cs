using System.Text.Json;

namespace Streaming.Protocol;

/// <summary>An ideation: its input, and the ideas that are complete.</summary>
public sealed record IdeationState : SessionState
{
    public required string UserInput { get; init; }
    public required string? SelectedPlatform { get; init; }
    public required IReadOnlyList<JsonElement> GenrePaths { get; init; }
    public required IReadOnlyList<double> GenreProportions { get; init; }
    public required int IdeaCount { get; init; }
    public required IReadOnlyList<Idea> Ideas { get; init; }
}

/// <summary>One idea.</summary>
public sealed record Idea(string Title, string Body);
