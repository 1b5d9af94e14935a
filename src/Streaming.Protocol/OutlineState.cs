using System.Text.Json;

namespace Streaming.Protocol;

/// <summary>An outline: its source, and the components that are complete.</summary>
public sealed record OutlineState : SessionState
{
    public required SourceArtifact SourceArtifact { get; init; }
    public required int? TotalEpisodes { get; init; }
    public required int? EpisodeDuration { get; init; }

    /// <summary>What a document was condensed to, once it is: the outline is made from it.</summary>
    public string? Summary { get; init; }
    public required OutlineComponents Components { get; init; }
}

/// <param name="Title">Title of the idea, of the text, or the name of the file without what follows its last dot.</param>
/// <param name="Text">The idea, or the text; none of a file.</param>
/// <param name="IdeationId">Where the idea is from, if it is one.</param>
/// <param name="IdeaIndex">Which of the ideation's ideas, from 0.</param>
/// <param name="GenrePaths">As the ideation was asked, if it is an idea; so are the next two.</param>
/// <param name="GenreProportions">A number for each path, on any scale.</param>
/// <param name="SelectedPlatform">Where the story is to appear, if that was said.</param>
/// <param name="FileId">The file, if it is one; so are the next four.</param>
/// <param name="Name">Name of the file.</param>
/// <param name="ContentType"><c>text/plain</c> or <c>text/markdown</c>.</param>
/// <param name="Size">Bytes of the file.</param>
/// <param name="Crc32c">CRC-32C of the file, eight hex digits.</param>
public sealed record SourceArtifact(
    string Title,
    string? Text,
    Guid? IdeationId = null,
    int? IdeaIndex = null,
    IReadOnlyList<JsonElement>? GenrePaths = null,
    IReadOnlyList<double>? GenreProportions = null,
    string? SelectedPlatform = null,
    Guid? FileId = null,
    string? Name = null,
    string? ContentType = null,
    long? Size = null,
    string? Crc32c = null);

/// <summary>The parts of an outline; each is there when it is complete, and the arrays grow.</summary>
public sealed record OutlineComponents
{
    public string? Title { get; init; }
    public string? Genre { get; init; }
    public string? SellingPoints { get; init; }
    public string? Setting { get; init; }
    public string? Synopsis { get; init; }
    public required IReadOnlyList<JsonElement> Characters { get; init; }
    public required IReadOnlyList<JsonElement> Stages { get; init; }
}
