using System.Text.Json;
using Streaming.Pipelines.Json;
using Streaming.Transforms;

namespace Streaming.Pipelines.Logo;

/// <summary>What the logo has to say, in a few words.</summary>
public sealed class BriefStage(RunContext run) : LogoStage(run, "brief", "logo_brief")
{
    const double TypicalCharacters = 400;

    protected override string Instructions =>
        """
        Write the brief for a logo of the brand below: {"essence":"…","audience":"…","keywords":["…"]}. `essence` is what the logo has to say,
        in one or two sentences; three to six keywords.
        """;

    protected override string Label => "Reading what the brand stands for";

    protected override string? Missing => Find(Run, LogoPipeline.BriefType) is null ? """there is no JSON object with "essence" and "audience" """ : null;

    protected override double Fraction(int characters) => Math.Min(0.95, characters / TypicalCharacters);

    protected override Task AcceptAsync(RunContext run, CompletedValue value, CancellationToken cancellation) =>
        Missing is not null && HasText(value.Value, "essence") && HasText(value.Value, "audience")
            ? run.ArtifactAsync(LogoPipeline.BriefType, 0, JsonSerializer.SerializeToElement(new
            {
                essence = value.Value.GetProperty("essence").GetString(),
                audience = value.Value.GetProperty("audience").GetString(),
                keywords = Texts(value.Value, "keywords"),
            }), cancellation)
            : Task.CompletedTask;
}
