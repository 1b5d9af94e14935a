using System.Text.Json;
using System.Text.Json.Nodes;
using Streaming.Pipelines.Outline.Documents;
using Streaming.Transforms;

namespace Streaming.Pipelines.Outline;

/// <summary>What the stages of an outline share: the source, and the components that are there already.</summary>
public abstract class OutlineStage(RunContext run, string name, string task) : ModelStage(name)
{
    /// <summary>Values of the components of a name that exist, in order.</summary>
    protected IEnumerable<JsonElement> Components(string component) => run.Artifacts
        .Where(artifact => artifact.Type == OutlinePipeline.ArtifactType && artifact.Data.GetProperty("name").GetString() == component)
        .Select(artifact => artifact.Data.GetProperty("value"));

    protected override JsonObject Request()
    {
        var source = run.Input.GetProperty("sourceArtifact");
        var request = new JsonObject
        {
            ["task"] = task,
            ["title"] = Node(source.GetProperty("title")),
            ["text"] = SourceDocument.TextOf(run) is { } text ? JsonValue.Create(text) : Node(source.GetProperty("text")),
            ["totalEpisodes"] = Node(run.Input.GetProperty("totalEpisodes")),
            ["episodeDuration"] = Node(run.Input.GetProperty("episodeDuration")),
        };
        // Only the source that is an idea has them.
        foreach (var asked in (string[])["genrePaths", "genreProportions", "selectedPlatform"])
            if (source.TryGetProperty(asked, out var value))
                request[asked] = Node(value);
        if (Name != PremiseStage.StageName)
            request["premise"] = new JsonObject(PremiseStage.Names.SelectMany(
                component => Components(component).Take(1).Select(value => KeyValuePair.Create(component, Node(value)))));
        if (Name == "stages")
            request["characters"] = new JsonArray([.. Components("characters").Select(Node)]);
        return request;
    }

    protected static Task ComponentAsync(RunContext run, string component, int position, JsonElement value, CancellationToken cancellation) =>
        run.ArtifactAsync(OutlinePipeline.ArtifactType, position, JsonSerializer.SerializeToElement(new { name = component, value }), cancellation);

    protected static bool IsText(JsonElement value) => value.ValueKind == JsonValueKind.String && !string.IsNullOrWhiteSpace(value.GetString());

    protected static JsonNode? Node(JsonElement value) => JsonNode.Parse(value.GetRawText());
}
