using System.Text.Json;
using System.Text.Json.Nodes;
using Streaming.Pipelines.Json;
using Streaming.Transforms;

namespace Streaming.Pipelines.Ideation;

/// <summary>Asks for the ideas that are still missing, and takes each as it is complete.</summary>
public sealed class IdeasStage(RunContext run) : ModelStage(StageName)
{
    public const string StageName = "ideas";
    public const string ArtifactType = "idea";

    // About what a model writes for one idea; only the progress within an unfinished one depends on it.
    const double TypicalCharacters = 600;

    readonly List<string> _titles =
        [.. run.Artifacts.Where(artifact => artifact.Type == ArtifactType).Select(artifact => artifact.Data.GetProperty("title").GetString()!)];

    readonly int _count = run.Input.GetProperty("ideaCount").GetInt32();

    protected override string Instructions =>
        """
        Think of ideas for stories, from the request below: `count` of them, each different from the others and from those in
        `existing`. Mix the genres in the given proportions and write for the given platform. Answer in the language of
        `userInput`, in this form: {"ideas":[{"title":"…","body":"…"}]}. A body has three to six sentences.
        """;

    protected override string Label => _titles.Count < _count ? $"Writing idea {_titles.Count + 1} of {_count}" : "Finishing";

    protected override string? Missing => _titles.Count switch
    {
        0 => """there is no JSON object with "title" and "body" in it""",
        var found when found < _count => $"there are only {found} of {_count} ideas",
        _ => null,
    };

    protected override JsonObject Request()
    {
        var request = new JsonObject { ["task"] = "ideas" };
        foreach (var name in (string[])["userInput", "selectedPlatform", "genrePaths", "genreProportions"])
            request[name] = run.Input.TryGetProperty(name, out var value) ? JsonNode.Parse(value.GetRawText()) : null;
        request["count"] = _count - _titles.Count;
        request["existing"] = new JsonArray([.. _titles.Select(title => (JsonNode?)JsonValue.Create(title))]);
        return request;
    }

    protected override double Fraction(int characters) =>
        (_titles.Count + Math.Min(0.9, characters / TypicalCharacters)) / _count;

    protected override Task AcceptAsync(RunContext run, CompletedValue value, CancellationToken cancellation)
    {
        if (_titles.Count >= _count || !IsIdea(value.Value, out var title, out var body) || _titles.Contains(title))
            return Task.CompletedTask;
        var position = _titles.Count;
        _titles.Add(title);
        return run.ArtifactAsync(ArtifactType, position, JsonSerializer.SerializeToElement(new { title, body }), cancellation);
    }

    static bool IsIdea(JsonElement value, out string title, out string body)
    {
        title = Text(value, "title");
        body = Text(value, "body");
        return title.Length > 0 && body.Length > 0;
    }

    static string Text(JsonElement value, string name) =>
        value.ValueKind == JsonValueKind.Object && value.TryGetProperty(name, out var text) && text.ValueKind == JsonValueKind.String
            ? text.GetString()!.Trim()
            : "";
}
