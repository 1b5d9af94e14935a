using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Streaming.Tests.Models.Offline;

public class OutlineComposerTests
{
    private const string Text = "A lonely lighthouse keeper finds a mermaid's diary. It is written in her own hand.";

    private static readonly string[] NastyTexts =
        ["", "x", "???", "\"q\" \\ {name} {nobody} </request>", "🐉🔥", "龍\n\0\u0001", "\ud83d", new('a', 20_000), new('.', 20_000), Text];

    [Fact]
    public void Every_part_is_valid_and_filled_for_any_input_and_seed()
    {
        var cases =
            from seed in ArbMap.Default.GeneratorFor<int>()
            from title in Gen.Elements(NastyTexts)
            from text in Gen.OneOf(Gen.Elements(NastyTexts), ArbMap.Default.GeneratorFor<string>().Select(s => s ?? ""))
            from total in Gen.Elements<int?>(null, -1, 0, 1, 2, 3, 24, 100, int.MaxValue)
            from duration in Gen.Elements<int?>(null, 0, 1, 45)
            select (seed, title, text, total, duration);

        Check.One(Config.QuickThrowOnFailure.WithMaxTest(400), Prop.ForAll(Arb.From(cases), c =>
        {
            JsonElement Part(string task) => Prompt.Json(
                Prompt.Outline(task, c.title, c.text, c.total, c.duration, c.title, c.text), c.seed);

            var premise = Part("outline_premise");
            var characters = Part("outline_characters").GetProperty("characters").EnumerateArray().ToArray();
            var stages = Part("outline_stages").GetProperty("stages").EnumerateArray().ToArray();
            return Filled(premise, "title", "genre", "sellingPoints", "setting", "synopsis")
                && characters.Length is >= 4 and <= 6 && characters.All(one => Filled(one, "name", "role", "description"))
                && stages.Length is >= 4 and <= 6 && stages.All(one => Filled(one, "title", "episodes", "summary"));
        }));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(7)]
    [InlineData(60)]
    [InlineData(int.MaxValue)]
    public void Stages_cover_every_episode_in_order(int total)
    {
        for (var seed = 0; seed < 20; seed++)
        {
            var covered = 0L;
            foreach (var stage in Stages(Prompt.Outline("outline_stages", "T", Text, total), seed))
            {
                var range = stage.Episodes.Split('-').Select(long.Parse).ToArray();
                Assert.True(
                    range[0] <= covered + 1 && range[^1] >= range[0] && range[^1] >= covered,
                    $"seed {seed}: {stage.Episodes} after {covered}");
                covered = range[^1];
            }

            Assert.Equal(total, covered);
        }
    }

    [Fact]
    public void Stages_speak_of_the_characters_in_the_request()
    {
        var prompt = Prompt.Outline("outline_stages", "T", Text, 24, 2, "Dr. Wu", "Ines Okafor", "Zaza", "Quentin");
        for (var seed = 0; seed < 20; seed++)
            Assert.All(Stages(prompt, seed), stage => Assert.Matches("Dr. Wu.*Ines|Ines.*Dr. Wu", stage.Summary));
    }

    [Fact]
    public void Parts_agree_on_the_people_also_without_being_told()
    {
        for (var seed = 0; seed < 20; seed++)
        {
            var names = Prompt.Json(Prompt.Outline("outline_characters", "T", Text), seed).GetProperty("characters")
                .EnumerateArray().Select(one => one.GetProperty("name").GetString()!.Split(' ')[0]).ToArray();
            var premise = Prompt.Json(Prompt.Outline("outline_premise", "T", Text, 8), seed);

            Assert.All(Stages(Prompt.Outline("outline_stages", "T", Text), seed), stage => Assert.Contains(names[0], stage.Summary));
            Assert.Contains(names[0], premise.GetProperty("synopsis").GetString());
        }
    }

    [Fact]
    public void Outline_of_an_idea_of_ours_keeps_its_people_place_and_title()
    {
        var (title, body) = Prompt.IdeasOf(Prompt.Ideas("a lonely lighthouse keeper", 1, genres: ["Romance"]))[0];

        var premise = Prompt.Json(Prompt.Outline("outline_premise", title, body, 60, 2));
        var characters = Prompt.Json(Prompt.Outline("outline_characters", title, body, 60, 2)).GetProperty("characters");

        Assert.Equal(title, premise.GetProperty("title").GetString());
        Assert.Equal("Romance", premise.GetProperty("genre").GetString());
        Assert.Contains("60 episodes of 2 minutes each", premise.GetProperty("setting").GetString());
        Assert.All([0, 1], i => Assert.Contains(characters[i].GetProperty("name").GetString()!, body));
    }

    [Fact]
    public void Genres_that_were_asked_for_are_named_the_largest_first()
    {
        Assert.Equal("Drama, with mystery", GenreOf(["Drama", "Mystery"], [70, 30]));
        Assert.Equal("Mystery, with drama", GenreOf(["Drama", "Mystery"], [30, 70]));
        Assert.Equal("Drama, with mystery", GenreOf(["Drama", "Mystery"], []));
        Assert.Equal("BL", GenreOf([new[] { "Romance", "BL" }], [100]));
        Assert.Equal("Comedy, with horror and drama", GenreOf(["Drama", "Comedy", "Horror"], [1, 3, 2]));
        Assert.Equal("Horror", GenreOf(["Drama", "Horror"], [0, 1]));

        static string GenreOf(object[] paths, double[] proportions) =>
            AskedFor("outline_premise", "A fantasy of dragons. " + Text, paths, proportions).GetProperty("genre").GetString()!;
    }

    [Theory]
    [InlineData("Romance")]
    [InlineData("???")]
    public void Genres_that_say_nothing_leave_the_choice_to_the_text(string named)
    {
        foreach (var paths in (object[][])[[], ["???"], [""], [7]])
            Assert.Equal(
                Prompt.Json(Prompt.Outline("outline_premise", "T", named)).GetProperty("genre").GetString(),
                AskedFor("outline_premise", named, paths, []).GetProperty("genre").GetString());
    }

    [Fact]
    public void Genres_and_platform_leave_the_people_as_they_are()
    {
        var names = NamesOf(Prompt.Json(Prompt.Outline("outline_characters", "T", Text)));
        var asked = NamesOf(AskedFor("outline_characters", Text, ["Horror"], [1], "TikTok"));
        Assert.Equal(names[..4], asked[..4]);
        Assert.EndsWith(", made for TikTok.", AskedFor("outline_premise", Text, [], [], "TikTok").GetProperty("setting").GetString());

        static string[] NamesOf(JsonElement answer) =>
            [.. answer.GetProperty("characters").EnumerateArray().Select(one => one.GetProperty("name").GetString()!)];
    }

    private static JsonElement AskedFor(string task, string text, object[] genrePaths, double[] genreProportions, string? selectedPlatform = null) =>
        Prompt.Json(Prompt.Of(new { task, title = "T", text, genrePaths, genreProportions, selectedPlatform }));

    [Fact]
    public void What_exists_is_left_out_and_the_rest_fits_to_it_also_when_the_user_has_spoken()
    {
        for (var seed = 0; seed < 20; seed++)
        {
            var names = NamesOf(Prompt.Json(Prompt.Of(new { task = "outline_characters", title = "T", text = Text }), seed));
            var rest = Prompt.Json(Prompt.Of(new { task = "outline_characters", title = "T", text = Text, existing = names[..2], guidance = Guidance }), seed);
            Assert.Equal(names[2..], NamesOf(rest));
            Assert.All(rest.GetProperty("characters").EnumerateArray(), one => Assert.Contains("a purple submarine", one.GetProperty("description").GetString()));

            var stages = Stages(Prompt.Of(new { task = "outline_stages", title = "T", text = Text }), seed);
            var further = Stages(Prompt.Of(new { task = "outline_stages", title = "T", text = Text, existing = new[] { "One", "Two" }, guidance = Guidance }), seed);
            Assert.Equal(stages[2..].Select(stage => stage.Episodes), further.Select(stage => stage.Episodes));
            Assert.All(further, stage => Assert.Contains("a purple submarine", stage.Summary));
        }

        var premise = Prompt.Json(Prompt.Of(new { task = "outline_premise", title = "T", text = Text, existing = new { title = "T", genre = "x" }, guidance = Guidance }));
        Assert.Equal(["sellingPoints", "setting", "synopsis"], premise.EnumerateObject().Select(property => property.Name));
        Assert.Contains("a purple submarine", premise.GetProperty("synopsis").GetString());

        static string[] NamesOf(JsonElement answer) =>
            [.. answer.GetProperty("characters").EnumerateArray().Select(one => one.GetProperty("name").GetString()!)];
    }

    private static readonly string[] Guidance = ["Bring in a purple submarine"];

    [Theory]
    [InlineData("Li Wei, a delivery driver in Shanghai, can hear the thoughts of cats.", "Li Wei", "a delivery driver in Shanghai")]
    [InlineData("In New Orleans the trumpeter Ada Lovell loses her hearing.", "Ada Lovell", "Ada")]
    [InlineData("Boris, a bear, learns to cook.", "Boris", "a bear")]
    public void Protagonist_whom_the_text_names_leads_the_outline(string text, string name, string description)
    {
        for (var seed = 0; seed < 10; seed++)
        {
            var lead = Prompt.Json(Prompt.Outline("outline_characters", "T", text), seed).GetProperty("characters")[0];
            Assert.Equal(name, lead.GetProperty("name").GetString());
            Assert.Contains(description, lead.GetProperty("description").GetString());
            Assert.All(Stages(Prompt.Outline("outline_stages", "T", text), seed), stage => Assert.Contains(name, stage.Summary));
        }
    }

    private static (string Episodes, string Summary)[] Stages(Microsoft.Extensions.AI.ChatMessage[] prompt, int seed)
        => [.. Prompt.Json(prompt, seed).GetProperty("stages").EnumerateArray()
            .Select(stage => (stage.GetProperty("episodes").GetString()!, stage.GetProperty("summary").GetString()!))];

    private static bool Filled(JsonElement element, params string[] names)
        => names.All(name => !string.IsNullOrWhiteSpace(element.GetProperty(name).GetString()));
}
