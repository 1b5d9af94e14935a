using System.Text.Json;
using System.Text.Json.Nodes;
using Streaming.Pipelines.Json;
using Streaming.Transforms;

namespace Streaming.Pipelines.Logo;

/// <summary>Which of the concepts is drawn, and why.</summary>
public sealed class ChoiceStage(RunContext run) : LogoStage(run, "concept_choice", "logo_choice")
{
    const double TypicalCharacters = 150;

    protected override string Instructions =>
        """Choose the concept that fits the brief best and works at every size: {"concept":1,"reason":"…"}. `concept` is its number.""";

    protected override string Label => "Choosing a concept";

    protected override string? Missing => Find(Run, LogoPipeline.ChoiceType) is null ? """there is no JSON object with "concept", a number of one, and "reason" """ : null;

    protected override JsonObject Request()
    {
        var request = base.Request();
        request["concepts"] = new JsonArray([.. Run.Artifacts.Where(artifact => artifact.Type == LogoPipeline.ConceptType).Select(Described)]);
        return request;
    }

    protected override double Fraction(int characters) => Math.Min(0.95, characters / TypicalCharacters);

    protected override Task AcceptAsync(RunContext run, CompletedValue value, CancellationToken cancellation) =>
        Missing is not null && HasText(value.Value, "reason") && value.Value.TryGetProperty("concept", out var concept)
        && concept.ValueKind == JsonValueKind.Number && concept.TryGetInt32(out var number) && number is >= 1 and <= MoodBoardStage.ConceptCount
            ? run.ArtifactAsync(LogoPipeline.ChoiceType, 0,
                JsonSerializer.SerializeToElement(new { concept = number, reason = value.Value.GetProperty("reason").GetString() }), cancellation)
            : Task.CompletedTask;
}
