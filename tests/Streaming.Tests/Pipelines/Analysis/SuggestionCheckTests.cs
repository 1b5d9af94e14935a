using Streaming.Pipelines.Analysis;
using Xunit;

namespace Streaming.Tests.Pipelines.Analysis;

/// <summary>Which suggestions are rejected, and which are not.</summary>
public sealed class SuggestionCheckTests
{
    const int CharactersMax = 60;

    [Theory]
    [InlineData("See you at eight by the river!", null)]
    [InlineData("Ja, gern – um acht am Fluss?", null)]
    [InlineData("OK", null)]
    [InlineData("3 < 4, and that is fine 🙂", null)]
    [InlineData("", "empty")]
    [InlineData("  \n", "empty")]
    [InlineData("…!?", "empty")]
    [InlineData("1234567890123456789012345678901234567890123456789012345678901", "too_long")]
    [InlineData("Look: <b>bold</b>", "unsafe")]
    [InlineData("<script>alert(1)</script>", "unsafe")]
    [InlineData("Go to https://example.org/prize now", "unsafe")]
    [InlineData("www.example.org is nice", "unsafe")]
    [InlineData("pay\u202Eyad", "unsafe")]
    [InlineData("bell\u0007", "unsafe")]
    [InlineData("As an AI, I have no feelings", "unsafe")]
    [InlineData("I can't help with that", "unsafe")]
    [InlineData("Привет, увидимся вечером", "language")]
    [InlineData("今晚八点在河边见", "language")]
    [InlineData("See you at eight, by the river", "duplicate")]
    [InlineData("SEE YOU, BY THE RIVER AT EIGHT TONIGHT", "duplicate")]
    [InlineData("See you tomorrow", null)]
    public void Suggestion_is_looked_at(string text, string? fault)
    {
        string[] accepted = fault == "duplicate" ? ["See you tonight at eight by the river!"] : [];
        Assert.Equal(fault, SuggestionCheck.Fault(text, accepted, "Are we still on for tonight?", null, CharactersMax));
    }

    [Theory]
    [InlineData("ru", "Привет, увидимся вечером", null)]
    [InlineData("ru", "See you tonight then", "language")]
    [InlineData("zh", "今晚八点在河边见吧", null)]
    [InlineData("ja", "川のそばで八時に会いましょう", null)]
    [InlineData("de", "Bis um acht", null)]
    [InlineData("sw", "Tutaonana saa mbili", null)]
    public void Language_that_is_asked_for_goes_before_that_of_the_context(string language, string text, string? fault) =>
        Assert.Equal(fault, SuggestionCheck.Fault(text, [], "Are we still on for tonight?", language, CharactersMax));

    [Fact]
    public void Address_that_the_user_has_named_may_be_repeated() =>
        Assert.Null(SuggestionCheck.Fault("Have you seen https://example.org/menu ?", [], "The menu is at https://example.org/menu", null, CharactersMax));

    [Fact]
    public void Chinese_that_says_the_same_is_a_duplicate()
    {
        Assert.Equal("duplicate", SuggestionCheck.Fault("今晚八点在河边见!", ["今晚八点在河边见"], "", "zh", CharactersMax));
        Assert.Null(SuggestionCheck.Fault("明天再说好吗", ["今晚八点在河边见"], "", "zh", CharactersMax));
    }
}
