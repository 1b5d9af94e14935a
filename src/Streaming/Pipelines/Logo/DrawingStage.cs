using System.Net.Mime;
using System.Text;
using System.Text.Json.Nodes;
using Streaming.Pipelines.Json;
using Streaming.Protocol;
using Streaming.Transforms;

namespace Streaming.Pipelines.Logo;

/// <summary>A picture drawn element by element: each one that is complete is shown at once.</summary>
public sealed class DrawingStage(RunContext run, SvgSanitizer sanitizer, string name, string task, string instructions, string label, string type, string fileName)
    : LogoStage(run, name, task)
{
    const double TypicalCharacters = 1500;

    readonly List<string> _elements = [];
    string? _refused;
    int _characters;

    protected override string Instructions => $$"""{{instructions}} Answer in this form: {"elements":["…"]}. {{Canvas}}""";

    protected override string Label => $"{label}: {_elements.Count} element{(_elements.Count == 1 ? "" : "s")}";

    protected override string? Missing => Find(Run, type) is null ? _refused ?? """there is no JSON object with "elements", an array of texts""" : null;

    protected override JsonObject Request()
    {
        // Each answer is a whole picture.
        _elements.Clear();
        (_refused, _characters) = (null, 0);
        var request = base.Request();
        if (type != LogoPipeline.DrawingType && Find(Run, LogoPipeline.DrawingType) is { Content: { } drawing })
            request["drawing"] = Encoding.UTF8.GetString(drawing);
        return request;
    }

    protected override double Fraction(int characters) => Math.Min(0.95, (_characters + characters) / TypicalCharacters);

    protected override async Task AcceptAsync(RunContext run, CompletedValue value, CancellationToken cancellation)
    {
        if (Missing is null)
            return;
        if (value.Path == "$.elements[]" && IsText(value.Value))
            await ShowAsync(run, value.Value.GetString()!, cancellation);
        else if (Texts(value.Value, "elements").ToList() is { Count: > 0 } all)
            await TakeAsync(run, all, cancellation);
    }

    /// <summary>Shows the picture with one more element, if it is a picture by now.</summary>
    async Task ShowAsync(RunContext run, string element, CancellationToken cancellation)
    {
        _characters += element.Length;
        SafeSvg picture;
        try
        {
            picture = Picture(sanitizer, [.. _elements, element]);
        }
        catch (SvgRefusedException)
        {
            // What this says of the whole picture is said when it is complete.
            return;
        }

        _elements.Add(element);
        await run.PassingPreviewAsync(
            new PreviewMessage(Name, fileName, MediaTypeNames.Image.Svg, picture.Width, picture.Height, picture.Text), cancellation);
    }

    async Task TakeAsync(RunContext run, List<string> elements, CancellationToken cancellation)
    {
        try
        {
            await PictureAsync(run, type, 0, fileName, Picture(sanitizer, elements), [], cancellation);
        }
        catch (SvgRefusedException refused)
        {
            _refused = refused.Message;
        }
    }
}
