using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Streaming.Models;
using Xunit;

namespace Streaming.Tests.Models;

public class TextCleanerTests
{
    // Not in attributes: metadata is UTF-8 and cannot hold half a pair.
    public static TheoryData<string, string> Cases => new()
    {
        { "plain, täxt, 日本, 😀", "plain, täxt, 日本, 😀" },
        { "a\0b\0", "ab" },
        { "\0", "" },
        { "", "" },
        { "a\uD83Db", "a\uFFFDb" },
        { "a\uDE00b", "a\uFFFDb" },
        { "\uDE00\uD83D", "\uFFFD\uFFFD" },
        { "\uD83D\uD83D\uDE00", "\uFFFD😀" },
        { "\uD83D\0\uDE00", "😀" },
    };

    [Theory(DisableDiscoveryEnumeration = true)]
    [MemberData(nameof(Cases))]
    public void Cleaner_keeps_text_and_replaces_what_cannot_be_stored(string text, string expected)
    {
        Assert.Equal(expected, CleanInPieces([text]));
    }

    [Fact]
    public void Cleaner_holds_half_a_pair_back_until_its_other_half_comes()
    {
        var cleaner = new TextCleaner();

        Assert.Equal("a", cleaner.Clean("a\uD83D"));
        Assert.Equal("", cleaner.Clean(""));
        Assert.Equal("😀b", cleaner.Clean("\uDE00b"));
        Assert.Equal("", cleaner.Finish());
    }

    [Fact]
    public void Cleaner_replaces_half_a_pair_when_the_answer_ends_with_it()
    {
        var cleaner = new TextCleaner();

        Assert.Equal("a", cleaner.Clean("a\uD83D"));
        Assert.Equal("\uFFFD", cleaner.Finish());
        Assert.Equal("", cleaner.Finish());
    }

    [Fact]
    public void Cleaner_gives_the_same_text_wherever_it_is_cut()
    {
        // Mostly the characters that matter: at random they would meet once in a thousand strings.
        var texts = Gen.Elements('\0', '\uD83D', '\uDE00', '\uDBFF', '\uDC00', 'a', 'é', '日', '\uFFFD').ArrayOf();
        var cuts = Gen.Choose(0, 40).ArrayOf();
        var cases = texts.SelectMany(text => cuts, (text, at) => (Text: new string(text), Cuts: at)).ToArbitrary();

        Check.One(Config.QuickThrowOnFailure.WithMaxTest(2000), Prop.ForAll(cases, c =>
            CleanInPieces(Pieces(c.Text, c.Cuts)) == CleanWhole(c.Text)));
    }

    // The platform's own encoder puts one U+FFFD for each lone surrogate.
    static string CleanWhole(string text) =>
        Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text.Replace("\0", "", StringComparison.Ordinal)));

    static string CleanInPieces(IEnumerable<string> pieces)
    {
        var cleaner = new TextCleaner();
        return string.Concat(pieces.Select(cleaner.Clean)) + cleaner.Finish();
    }

    static List<string> Pieces(string text, int[] cuts)
    {
        var pieces = new List<string>();
        var start = 0;
        foreach (var cut in cuts.Select(cut => Math.Min(cut, text.Length)).Order().Append(text.Length))
        {
            pieces.Add(text[start..cut]);
            start = cut;
        }
        return pieces;
    }
}
