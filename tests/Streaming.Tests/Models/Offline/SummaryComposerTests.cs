using System.Text.Json;
using Microsoft.Extensions.AI;
using Xunit;

namespace Streaming.Tests.Models.Offline;

/// <summary>The offline summaries: sentences of the text, and nothing else.</summary>
public sealed class SummaryComposerTests
{
    const string Text =
        """
        # A Heading

        The keeper of the lighthouse counted the storms that came over the harbour. It rained. Her brother sold the harbour to a shipping company.
        The keeper wrote the names of the storms into a ledger, and hid the ledger below the lighthouse. "Who," he asked, "would want the ledger of the storms?"
        A cat slept. Nobody in the harbour asked the keeper about the lighthouse or the storms again.
        """;

    [Fact]
    public void Summary_is_sentences_of_the_text_in_their_order()
    {
        var summary = Summary(Text, 300);
        Assert.InRange(summary.Length, 60, 300);
        var flat = Text.ReplaceLineEndings(" ");
        var at = -1;
        foreach (var sentence in summary.Split(". "))
        {
            var found = flat.IndexOf(sentence.TrimEnd('.'), StringComparison.Ordinal);
            Assert.True(found > at, $"“{sentence}” is not in the text, or not in its place");
            at = found;
        }

        Assert.DoesNotContain("rained", summary, StringComparison.Ordinal);
        Assert.Equal(summary, Summary(Text, 300));
    }

    [Fact]
    public void Sentence_that_says_the_same_again_is_left_out() =>
        Assert.Equal("The keeper of the lighthouse counted every storm.",
            Summary("The keeper of the lighthouse counted every storm. The keeper of the lighthouse counted every storm. Seven: the keeper of the lighthouse counted every storm.", 400));

    [Theory]
    [InlineData("灯台守は嵐を数えた。灯台守は港で嵐の名前を書いた。猫が寝た。")]
    [InlineData("no full stop anywhere")]
    [InlineData("🙂🙂🙂")]
    [InlineData("...")]
    public void Text_of_any_kind_has_a_summary_of_its_own_characters(string text)
    {
        var summary = Summary(text, 200);
        Assert.NotEmpty(summary);
        Assert.Contains(summary.Split(' ')[0], text, StringComparison.Ordinal);
    }

    [Fact]
    public void Summary_is_never_longer_than_it_may_be()
    {
        foreach (var text in (string[])[new('a', 50_000), string.Concat(Enumerable.Repeat("word ", 10_000)), string.Concat(Enumerable.Repeat("🙂", 10_000))])
            Assert.InRange(Summary(text, 100).Length, 1, 100);
    }

    static string Summary(string text, int charactersMax)
    {
        var request = JsonSerializer.Serialize(new { task = "passage_summary", text, charactersMax });
        var answer = Prompt.Answer([new ChatMessage(ChatRole.User, $"Summarise.\n\n<request>{request}</request>")]);
        return JsonSerializer.Deserialize<JsonElement>(answer).GetProperty("summary").GetString()!;
    }
}
