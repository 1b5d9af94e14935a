using Microsoft.Extensions.Options;
using Streaming.Configuration;
using Streaming.Pipelines.Logo;
using Xunit;

namespace Streaming.Tests.Models.Offline;

public class LogoComposerTests
{
    static readonly string[] Brands =
        ["Harbor & Pine", "Ada", "O'Neil <3>", "霸道总裁", "🐉🔥", "Zoë Läß", "a", "???", "A name that is much too long to be set in one line of any size that can be read",
            "x\u0001y\ufffe", "</text><script>alert(1)</script>", "\"quoted\" \\back\\slash\\"];

    [Fact]
    public void Every_drawing_of_any_name_passes_the_sanitizer_without_a_change_to_what_it_shows()
    {
        var sanitizer = new SvgSanitizer(Options.Create(new LogoOptions()));
        foreach (var brand in Brands)
            for (var seed = 0; seed < 12; seed++)
            {
                var pictures = Concepts(brand, seed).Append(Elements(Drawing("logo_drawing", brand), seed)).Append(Elements(Drawing("logo_refinement", brand), seed))
                    .Concat(Prompt.Json(Drawing("logo_variations", brand), seed).GetProperty("variations").EnumerateArray().Select(Elements));
                foreach (var elements in pictures)
                {
                    var safe = sanitizer.Sanitize($"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 512 512">{elements}</svg>""");
                    Assert.DoesNotContain("<script", safe.Text, StringComparison.Ordinal);
                    Assert.Equal(elements.Split('<').Count(tag => tag.Length > 0 && tag[0] != '/'), safe.Text.Split('<').Count(tag => tag.Length > 0 && tag[0] != '/') - 1);
                }
            }
    }

    [Fact]
    public void Different_names_have_different_logos_and_the_same_seed_has_the_same()
    {
        var drawings = Enumerable.Range(0, 60).Select(number => string.Concat(Concepts("Brand", 1, $"Description {number}"))).ToList();
        Assert.Equal(drawings.Count, drawings.Distinct().Count());
        Assert.Equal(drawings, Enumerable.Range(0, 60).Select(number => string.Concat(Concepts("Brand", 1, $"Description {number}"))));
        Assert.NotEqual(string.Concat(Concepts("Ada", 1)), string.Concat(Concepts("Eve", 1)));
        Assert.NotEqual(string.Concat(Concepts("Ada", 1)), string.Concat(Concepts("Ada", 2)));
    }

    [Fact]
    public void Concepts_of_a_logo_are_of_three_kinds_and_keep_to_the_colours_that_were_asked_for()
    {
        var concepts = Prompt.Json(Prompt.Of(new { task = "logo_concepts", brandName = "Ada", description = "d", colors = new[] { "#abcdef", "Teal" } }))
            .GetProperty("concepts").EnumerateArray().ToList();
        Assert.Equal(3, concepts.Select(concept => concept.GetProperty("title").GetString()).Distinct().Count());
        Assert.All(concepts, concept => Assert.Equal(["#abcdef", "#1f8a8a"], concept.GetProperty("palette").EnumerateArray().Take(2).Select(color => color.GetString())));
    }

    [Fact]
    public void Colour_that_the_user_names_on_the_way_is_the_first_of_what_follows() =>
        Assert.Contains("#d6538f", Elements(Prompt.Of(new { task = "logo_drawing", brandName = "Ada", description = "d", guidance = new[] { "Make it pink, please" } }), 1), StringComparison.Ordinal);

    [Fact]
    public void Guidelines_say_that_no_language_model_wrote_them() =>
        Assert.Contains("without a language model", Prompt.Answer(Drawing("logo_guidelines", "Ada")), StringComparison.Ordinal);

    static Microsoft.Extensions.AI.ChatMessage[] Drawing(string task, string brand) =>
        Prompt.Of(new { task, brandName = brand, description = "d", choice = new { concept = 2 } });

    static IEnumerable<string> Concepts(string brand, int seed, string description = "d") =>
        Prompt.Json(Prompt.Of(new { task = "logo_concepts", brandName = brand, description }), seed).GetProperty("concepts").EnumerateArray().Select(Elements);

    static string Elements(Microsoft.Extensions.AI.ChatMessage[] prompt, int seed) => Elements(Prompt.Json(prompt, seed));

    static string Elements(System.Text.Json.JsonElement answer) => string.Concat(answer.GetProperty("elements").EnumerateArray().Select(element => element.GetString()));
}
