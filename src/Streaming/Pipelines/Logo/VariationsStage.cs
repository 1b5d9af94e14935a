using System.Text;
using System.Text.Json.Nodes;
using Streaming.Pipelines.Json;
using Streaming.Transforms;

namespace Streaming.Pipelines.Logo;

/// <summary>The logo in one colour, on a dark ground, and as an icon: each taken as it is complete.</summary>
public sealed class VariationsStage(RunContext run, SvgSanitizer sanitizer) : LogoStage(run, "variations", "logo_variations")
{
    /// <summary>In their order; an asset's position is one more, after the logo itself.</summary>
    public static readonly string[] Names = ["monochrome", "reversed", "icon"];

    const double TypicalCharacters = 1500;

    string? _refused;

    protected override string Instructions =>
        $$"""
        Draw the logo in `logo` anew in these variations: monochrome (black on nothing), reversed (light, on a ground of its darkest colour that fills the
        canvas), icon (the mark alone, large, for 32 pixels): {"variations":[{"name":"monochrome","elements":["…"]}]}. {{Canvas}} Those in `existing` are
        there already: draw only the others.
        """;

    protected override string Label => Open is [var next, ..] ? $"Drawing the variation “{next}”" : "Finishing the variations";

    protected override string? Missing => Open is { Length: > 0 } open ? $"missing: {string.Join(", ", open)}{(_refused is null ? "" : $"; {_refused}")}" : null;

    string[] Open => [.. Names.Where((_, position) => Find(Run, LogoPipeline.AssetType, position + 1) is null)];

    protected override JsonObject Request()
    {
        _refused = null;
        var request = base.Request();
        request["logo"] = Encoding.UTF8.GetString(Find(Run, LogoPipeline.AssetType)!.Content!);
        request["existing"] = new JsonArray([.. Names.Except(Open).Select(name => (JsonNode?)name)]);
        return request;
    }

    protected override double Fraction(int characters) =>
        Math.Min(0.97, (Names.Length - Open.Length + Math.Min(0.9, characters / TypicalCharacters)) / Names.Length);

    protected override async Task AcceptAsync(RunContext run, CompletedValue value, CancellationToken cancellation)
    {
        if (!HasText(value.Value, "name") || value.Value.GetProperty("name").GetString() is not { } name || !Open.Contains(name))
            return;
        try
        {
            await PictureAsync(run, LogoPipeline.AssetType, Array.IndexOf(Names, name) + 1, $"logo-{name}.svg",
                Picture(sanitizer, Texts(value.Value, "elements")), [], cancellation);
        }
        catch (SvgRefusedException refused)
        {
            _refused = refused.Message;
        }
    }
}
