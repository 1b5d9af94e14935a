using System.Net.Mime;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Streaming.Messages;
using Streaming.Protocol;
using Streaming.Transforms;

namespace Streaming.Pipelines.Logo;

/// <summary>What the stages of a logo share: what was asked, what is there already, and how a file is stored and shown.</summary>
public abstract class LogoStage(RunContext run, string name, string task) : ModelStage(name)
{
    protected const string Canvas =
        "Draw on a canvas of 512 by 512, from 0,0 at the top left: `elements` are SVG elements in the order of painting, each a text of its own and well-formed by itself. "
        + "Use path, rect, circle, ellipse, line, polyline, polygon, text and g, with attributes; no style sheet, no reference, no picture, no script.";

    protected override string Role => "You are a designer of logos.";

    protected RunContext Run => run;

    protected override JsonObject Request()
    {
        var request = new JsonObject { ["task"] = task };
        foreach (var asked in (string[])["brandName", "description", "style", "colors"])
            if (run.Input.TryGetProperty(asked, out var value))
                request[asked] = JsonNode.Parse(value.GetRawText());
        foreach (var type in (string[])[LogoPipeline.BriefType, LogoPipeline.ChoiceType])
            if (Find(run, type) is { } earlier)
                request[type] = JsonNode.Parse(earlier.Data.GetRawText());
        if (Find(run, LogoPipeline.ChoiceType) is { } choice
            && Find(run, LogoPipeline.ConceptType, choice.Data.GetProperty("concept").GetInt32() - 1) is { } concept)
            request["concept"] = Described(concept);
        return request;
    }

    /// <summary>A concept, without what is about its file alone.</summary>
    protected static JsonNode Described(EarlierArtifact concept) => new JsonObject(
        ((string[])["number", "title", "idea", "palette"]).Select(field => KeyValuePair.Create(field, JsonNode.Parse(concept.Data.GetProperty(field).GetRawText()))));

    protected static EarlierArtifact? Find(RunContext run, string type, int position = 0) =>
        run.Artifacts.FirstOrDefault(artifact => artifact.Type == type && artifact.Position == position);

    protected static bool IsText(JsonElement value) => value.ValueKind == JsonValueKind.String && !string.IsNullOrWhiteSpace(value.GetString());

    protected static bool HasText(JsonElement value, string field) =>
        value.ValueKind == JsonValueKind.Object && value.TryGetProperty(field, out var text) && IsText(text);

    /// <summary>A picture from elements that a model wrote.</summary>
    /// <exception cref="SvgRefusedException"/>
    protected static SafeSvg Picture(SvgSanitizer sanitizer, IEnumerable<string> elements) =>
        sanitizer.Sanitize($"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 512 512">{string.Concat(elements)}</svg>""");

    /// <summary>The texts of an array; none where there is something else.</summary>
    protected static IEnumerable<string> Texts(JsonElement value, string field) =>
        value.ValueKind == JsonValueKind.Object && value.TryGetProperty(field, out var array) && array.ValueKind == JsonValueKind.Array
            ? array.EnumerateArray().Where(IsText).Select(text => text.GetString()!)
            : [];

    /// <summary>Stores a picture as an artifact, and shows it.</summary>
    protected static Task PictureAsync(
        RunContext run, string type, int position, string name, SafeSvg picture, JsonObject more, CancellationToken cancellation) =>
        FileAsync(run, type, position, name, MediaTypeNames.Image.Svg, Encoding.UTF8.GetBytes(picture.Text), (picture.Width, picture.Height), more, picture.Text, cancellation);

    /// <summary>Stores a file as an artifact, and shows it.</summary>
    public static async Task FileAsync(
        RunContext run, string type, int position, string name, string contentType, byte[] content, (int Width, int Height)? size,
        JsonObject more, string? preview, CancellationToken cancellation)
    {
        var id = Guid.CreateVersion7();
        var url = $"/api/{LogoPipeline.KindName}s/{run.SessionId}/artifacts/{id}";
        var data = more;
        data["name"] = name;
        data["contentType"] = contentType;
        data["bytes"] = content.Length;
        data["width"] = size?.Width;
        data["height"] = size?.Height;
        data["artifactId"] = id;
        data["url"] = url;
        await run.FileAsync(id, type, position, JsonSerializer.SerializeToElement(data), new ArtifactFile(content, contentType), cancellation);
        await run.PreviewAsync(new PreviewMessage(run.Stage!, name, contentType, size?.Width, size?.Height, preview, url), cancellation);
    }
}
