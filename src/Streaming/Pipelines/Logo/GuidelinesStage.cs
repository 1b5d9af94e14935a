using System.Net;
using System.Net.Mime;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Streaming.Pipelines.Json;
using Streaming.Transforms;

namespace Streaming.Pipelines.Logo;

/// <summary>How the logo is to be used, as a page: the model writes the text, the page around it is ours.</summary>
public sealed class GuidelinesStage(RunContext run) : LogoStage(run, "guidelines", "logo_guidelines")
{
    /// <summary>After the logo and its variations.</summary>
    public const int Position = 10;

    const double TypicalCharacters = 1200;
    const int SectionsMax = 20;

    protected override string Instructions =>
        """
        Write how the logo is to be used, for whoever has to use it: {"sections":[{"heading":"…","text":"…"}]}. Four to six sections of plain text: what it
        stands for, clear space and smallest size, colours, on dark grounds, what not to do.
        """;

    protected override string Label => "Writing the guidelines";

    protected override string? Missing => Find(Run, LogoPipeline.AssetType, Position) is null ? """there is no JSON object with "sections", each with "heading" and "text" """ : null;

    protected override double Fraction(int characters) => Math.Min(0.95, characters / TypicalCharacters);

    protected override async Task AcceptAsync(RunContext run, CompletedValue value, CancellationToken cancellation)
    {
        if (Missing is null || value.Path != "$.sections" || value.Value.ValueKind != JsonValueKind.Array)
            return;
        var sections = value.Value.EnumerateArray().Where(section => HasText(section, "heading") && HasText(section, "text")).Take(SectionsMax).ToList();
        if (sections.Count == 0)
            return;
        var page = Page(run, sections);
        await FileAsync(run, LogoPipeline.AssetType, Position, "guidelines.html", MediaTypeNames.Text.Html, Encoding.UTF8.GetBytes(page), null, new JsonObject(), page, cancellation);
    }

    static string Page(RunContext run, IEnumerable<JsonElement> sections)
    {
        var brand = WebUtility.HtmlEncode(run.Input.GetProperty("brandName").GetString());
        var page = new StringBuilder(
            $$"""
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8"><title>{{brand}}: guidelines</title>
            <style>
            body { font: 16px/1.5 sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; color: #1b1b1f; background: #fff }
            figure { margin: 0 } .logos { display: grid; grid-template-columns: repeat(auto-fit, minmax(10rem, 1fr)); gap: 1rem } svg { width: 100%; height: auto }
            .swatch { display: inline-block; width: 1.2em; height: 1.2em; vertical-align: -.2em; border: 1px solid #0003; margin-right: .4em }
            </style></head><body><h1>{{brand}}</h1><div class="logos">
            """);
        foreach (var asset in run.Artifacts.Where(artifact => artifact is { Type: LogoPipeline.AssetType, Position: < Position, Content: not null }).OrderBy(artifact => artifact.Position))
            page.Append("<figure>").Append(Encoding.UTF8.GetString(asset.Content!))
                .Append($"<figcaption>{WebUtility.HtmlEncode(asset.Data.GetProperty("name").GetString())}</figcaption></figure>\n");
        page.Append("</div>\n");
        foreach (var section in sections)
            page.Append($"<h2>{WebUtility.HtmlEncode(section.GetProperty("heading").GetString())}</h2>\n<p>{WebUtility.HtmlEncode(section.GetProperty("text").GetString())}</p>\n");
        return page.Append("</body></html>\n").ToString();
    }
}
