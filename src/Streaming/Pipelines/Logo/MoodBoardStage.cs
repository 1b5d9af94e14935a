using System.Text.Json.Nodes;
using Streaming.Pipelines.Json;
using Streaming.Transforms;

namespace Streaming.Pipelines.Logo;

/// <summary>Three concepts, each with a sketch, taken as each is complete.</summary>
public sealed class MoodBoardStage(RunContext run, SvgSanitizer sanitizer) : LogoStage(run, "mood_board", "logo_concepts")
{
    public const int ConceptCount = 3;

    const double TypicalCharacters = 1500;
    const int PaletteMax = 8;

    string? _refused;

    protected override string Instructions =>
        $$"""
        Invent {{ConceptCount}} concepts for the logo, different from each other in kind, in this form:
        {"concepts":[{"title":"…","idea":"…","palette":["#rrggbb"],"elements":["…"]}]}. `elements` are a sketch. {{Canvas}} Those in `existing` are
        there already: write only the others.
        """;

    protected override string Label => $"Sketching concept {Math.Min(Count + 1, ConceptCount)} of {ConceptCount}";

    protected override string? Missing => Count < ConceptCount
        ? $"{ConceptCount - Count} of {ConceptCount} concepts with title, idea and elements are missing{(_refused is null ? "" : $"; {_refused}")}"
        : null;

    int Count => Run.Artifacts.Count(artifact => artifact.Type == LogoPipeline.ConceptType);

    protected override JsonObject Request()
    {
        var request = base.Request();
        _refused = null;
        request["existing"] = new JsonArray([.. Run.Artifacts.Where(artifact => artifact.Type == LogoPipeline.ConceptType)
            .Select(artifact => JsonNode.Parse(artifact.Data.GetProperty("title").GetRawText()))]);
        return request;
    }

    protected override double Fraction(int characters) => Math.Min(0.97, (Count + Math.Min(0.9, characters / TypicalCharacters)) / ConceptCount);

    protected override async Task AcceptAsync(RunContext run, CompletedValue value, CancellationToken cancellation)
    {
        if (Count == ConceptCount || !HasText(value.Value, "title") || !HasText(value.Value, "idea"))
            return;
        try
        {
            var picture = Picture(sanitizer, Texts(value.Value, "elements"));
            await PictureAsync(run, LogoPipeline.ConceptType, Count, $"concept-{Count + 1}.svg", picture, new JsonObject
            {
                ["number"] = Count + 1,
                ["title"] = value.Value.GetProperty("title").GetString(),
                ["idea"] = value.Value.GetProperty("idea").GetString(),
                ["palette"] = new JsonArray([.. Texts(value.Value, "palette").Take(PaletteMax).Select(color => (JsonNode?)color)]),
            }, cancellation);
        }
        catch (SvgRefusedException refused)
        {
            _refused = refused.Message;
        }
    }
}
