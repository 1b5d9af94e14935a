using System.Text.Json;
using System.Text.Json.Serialization;

namespace Streaming.Protocol;

/// <summary>A logo: what was asked, and what is drawn by now.</summary>
public sealed record LogoState : SessionState
{
    public required string BrandName { get; init; }
    public required string Description { get; init; }
    public required string? Style { get; init; }
    public required IReadOnlyList<string> Colors { get; init; }

    /// <summary>What the logo has to say, as the first stage wrote it.</summary>
    public JsonElement? Brief { get; init; }
    public required IReadOnlyList<LogoConcept> Concepts { get; init; }

    /// <summary>The concept that is drawn, and why.</summary>
    public LogoChoice? Choice { get; init; }
    public required IReadOnlyList<LogoAsset> Assets { get; init; }
}

/// <summary>A draft of a logo, and its file.</summary>
/// <param name="Number">1 to 3.</param>
/// <param name="Title">What to call it.</param>
/// <param name="Idea">What it is about.</param>
/// <param name="Palette">Its colours.</param>
/// <param name="Name">Name of its file; so on as for an asset.</param>
/// <param name="ContentType"><c>image/svg+xml</c>.</param>
/// <param name="Bytes">Size of the file.</param>
/// <param name="Width">In CSS pixels.</param>
/// <param name="Height">In CSS pixels.</param>
/// <param name="ArtifactId">Its artifact.</param>
/// <param name="Url">Where to download it.</param>
public sealed record LogoConcept(
    int Number, string Title, string Idea, IReadOnlyList<string> Palette, string Name, string ContentType, int Bytes,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] int? Width, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] int? Height,
    Guid ArtifactId, string Url);

/// <summary>Which concept is drawn, and why.</summary>
/// <param name="Concept">Its number.</param>
/// <param name="Reason">For a person.</param>
public sealed record LogoChoice(int Concept, string Reason);

/// <summary>A file of a logo.</summary>
/// <param name="Name">Name of the file.</param>
/// <param name="ContentType"><c>image/svg+xml</c>, <c>image/png</c>, <c>text/html</c>.</param>
/// <param name="Bytes">Size of the file.</param>
/// <param name="Width">In pixels; null for a page.</param>
/// <param name="Height">In pixels; null for a page.</param>
/// <param name="ArtifactId">Its artifact.</param>
/// <param name="Url">Where to download it.</param>
public sealed record LogoAsset(
    string Name, string ContentType, int Bytes, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] int? Width,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] int? Height, Guid ArtifactId, string Url);
