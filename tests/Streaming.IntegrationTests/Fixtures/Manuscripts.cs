using System.Text;

namespace Streaming.IntegrationTests.Fixtures;

/// <summary>Texts as people write them: paragraphs of sentences, each paragraph with a number of its own.</summary>
public static class Manuscripts
{
    static readonly string[] Sentences =
    [
        "Marta kept the lighthouse at Grey Point, where no ship had passed in eleven years.", "The storm took the pier, and with it the letters she had never sent.",
        "Her brother wanted to sell the island to the shipping company.", "Nobody in the village spoke of the winter when the lamp went out.",
        "She wrote down every storm in a ledger, with its name and what it had taken.", "At night the sea answered questions that she had not asked aloud.",
    ];

    /// <summary>A text of at least so many characters; paragraph n begins with <c>¶n</c></summary>
    public static string Text(int characters, int seed = 1)
    {
        var random = new Random(seed);
        var text = new StringBuilder("# The Ledger of Storms\n\n");
        for (var paragraph = 1; text.Length < characters; paragraph++)
        {
            text.Append('¶').Append(paragraph);
            for (var sentence = 0; sentence < 5; sentence++)
                text.Append(' ').Append(Sentences[random.Next(Sentences.Length)]);
            text.Append("\n\n");
        }

        return text.ToString();
    }
}
