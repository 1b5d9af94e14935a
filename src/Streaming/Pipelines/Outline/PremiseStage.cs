using System.Text.Json.Nodes;
using Streaming.Pipelines.Json;
using Streaming.Transforms;

namespace Streaming.Pipelines.Outline;

/// <summary>The five texts an outline begins with, each taken when its property is complete.</summary>
public sealed class PremiseStage(RunContext run) : OutlineStage(run, StageName, "outline_premise")
{
    public const string StageName = "premise";

    /// <summary>Names of the texts, in their order.</summary>
    public static readonly string[] Names = ["title", "genre", "sellingPoints", "setting", "synopsis"];

    const double TypicalCharacters = 300;

    protected override string Instructions =>
        """
        Write the premise of a series from the idea below, or the manuscript that `text` sums up, in its language. If `genrePaths` names genres, keep to them, mixed in
        the given proportions, and name them in `genre`; if there is a `selectedPlatform`, write for it. Answer in this form:
        {"title":"…","genre":"…","sellingPoints":"…","setting":"…","synopsis":"…"}. All five are texts. Those in `existing` are
        written already and stay: write only the others, so that they fit.
        """;

    protected override string Label => Names.FirstOrDefault(name => !Components(name).Any()) is { } next ? $"Writing the {Spoken(next)}" : "Finishing the premise";

    protected override string? Missing => Names.Where(name => !Components(name).Any()).ToList() is { Count: > 0 } missing
        ? $"missing: {string.Join(", ", missing)}"
        : null;

    protected override JsonObject Request()
    {
        var request = base.Request();
        request["existing"] = new JsonObject(Names.SelectMany(
            name => Components(name).Take(1).Select(value => KeyValuePair.Create(name, Node(value)))));
        return request;
    }

    protected override double Fraction(int characters) =>
        (Names.Count(name => Components(name).Any()) + Math.Min(0.9, characters / TypicalCharacters)) / Names.Length;

    protected override Task AcceptAsync(RunContext run, CompletedValue value, CancellationToken cancellation)
    {
        var position = Array.FindIndex(Names, name => value.Path == $"$.{name}");
        return position >= 0 && IsText(value.Value) && !Components(Names[position]).Any()
            ? ComponentAsync(run, Names[position], position, value.Value, cancellation)
            : Task.CompletedTask;
    }

    static string Spoken(string name) => name == "sellingPoints" ? "selling points" : name;
}
