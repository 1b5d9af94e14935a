using System.Text.Json;
using System.Text.Json.Nodes;
using Streaming.Pipelines.Json;
using Streaming.Transforms;

namespace Streaming.Pipelines.Outline;

/// <summary>Characters, or stages of the story: a list whose elements are taken as each is complete.</summary>
public sealed class ListStage(RunContext run, string name, string task, int typicalCount, string form, string[] fields)
    : OutlineStage(run, name, task)
{
    const double TypicalCharacters = 250;

    // After the premise's five, and with room between the lists.
    readonly int _firstPosition = name == "characters" ? 100 : 200;

    protected override string Instructions =>
        $"Go on with the outline below, in its language; keep to its genres and its platform. {form} Those in `existing` are there already: write only the others, if any.";

    protected override string Label => Name == "characters" ? $"Meeting character {Count + 1}" : $"Plotting stage {Count + 1}";

    protected override string? Missing => Count == 0 ? $"there is no JSON object with \"{string.Join("\", \"", fields)}\" in it" : null;

    // How many there are to be is the model's to say.
    protected override bool IsFull => false;

    protected override JsonObject Request()
    {
        var request = base.Request();
        request["existing"] = new JsonArray([.. Components(Name).Select(known => (JsonNode?)JsonValue.Create(Key(known)))]);
        return request;
    }

    protected override double Fraction(int characters) =>
        Math.Min(0.95, (Count + Math.Min(0.9, characters / TypicalCharacters)) / Math.Max(typicalCount, Count + 1));

    int Count => Components(Name).Count();

    protected override Task AcceptAsync(RunContext run, CompletedValue value, CancellationToken cancellation)
    {
        var isNew = value.Value.ValueKind == JsonValueKind.Object
            && new[] { fields[0], fields[^1] }.All(field => value.Value.TryGetProperty(field, out var text) && IsText(text))
            && !Components(Name).Any(known => Key(known) == Key(value.Value));
        return isNew ? ComponentAsync(run, Name, _firstPosition + Count, value.Value, cancellation) : Task.CompletedTask;
    }

    string? Key(JsonElement element) => element.GetProperty(fields[0]).GetString();
}
