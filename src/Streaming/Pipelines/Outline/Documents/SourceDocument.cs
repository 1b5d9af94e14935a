using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Streaming.Files;
using Streaming.Transforms;

namespace Streaming.Pipelines.Outline.Documents;

/// <summary>The file that an outline is asked from, as its session's input names it, and the text that is made of it in the end.</summary>
/// <param name="FileId">The file.</param>
/// <param name="Title">What to call the document.</param>
/// <param name="Crc32C">Checksum of all of it, eight hex digits: another state of the file is another document.</param>
public sealed record SourceDocument(Guid FileId, string Title, string Crc32C)
{
    public const string ArtifactType = "source";

    public uint Checksum => uint.Parse(Crc32C, NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    /// <summary>Whether an outline with this input is from a file.</summary>
    public static bool IsIn(JsonElement input) => SizeIn(input) is not null;

    /// <summary>Bytes of the file; null: the outline is of an idea or a text.</summary>
    public static long? SizeIn(JsonElement input) =>
        input.TryGetProperty("sourceArtifact", out var source) && source.TryGetProperty("fileId", out _) && source.GetProperty("size").TryGetInt64(out var size) ? size : null;

    public static SourceDocument Of(JsonElement input)
    {
        var source = input.GetProperty("sourceArtifact");
        return new SourceDocument(source.GetProperty("fileId").GetGuid(), source.GetProperty("title").GetString()!, source.GetProperty("crc32c").GetString()!);
    }

    /// <summary>What the state says of it.</summary>
    public static JsonObject Describe(StoredFile file)
    {
        var title = Path.GetFileNameWithoutExtension(file.Name);
        return new JsonObject
        {
            ["title"] = title.Length > 0 ? title : file.Name,
            ["fileId"] = file.Id.ToString(),
            ["name"] = file.Name,
            ["contentType"] = file.ContentType,
            ["size"] = file.Size,
            ["crc32c"] = $"{file.Crc32C:x8}",
        };
    }

    /// <summary>The text that the outline is made from.</summary>
    public static Task StoreAsync(RunContext run, string text, CancellationToken cancellation) =>
        TextOf(run) is null ? run.ArtifactAsync(ArtifactType, 0, JsonSerializer.SerializeToElement(new { text }), cancellation) : Task.CompletedTask;

    /// <summary>The same once it is there.</summary>
    public static string? TextOf(RunContext run) =>
        run.Artifacts.FirstOrDefault(artifact => artifact.Type == ArtifactType)?.Data.GetProperty("text").GetString();
}
