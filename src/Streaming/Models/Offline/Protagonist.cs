using System.Text.RegularExpressions;

namespace Streaming.Models.Offline;

/// <summary>Finds the person whom a text of the user's is about, so that an outline does not bring in a stranger.</summary>
internal static partial class Protagonist
{
    private const int TextReadMax = 4000;

    // "Li Wei, a delivery driver in Shanghai," or "Anna Maria de Souza": two capitals, or one before an apposition.
    // After "in" or "of" it would be a place. Lengths are bounded, so that the expression stays linear.
    [GeneratedRegex(
        @"(?<!\b(?:in|of|at|to|from|near|the|The|In|Of|At|To|From|Near) )\b"
        + @"(?!(?:The|An?|In|On|At|One|When|After|Before|This|Every) )"
        + @"(?<name>\p{Lu}\p{Ll}{1,20}(?: \p{Lu}\p{Ll}{1,20}){1,2}|\p{Lu}\p{Ll}{1,20}(?=, an? ))"
        + @"(?:, (?<what>(?:an?|the) [\p{Ll}' -]{3,70}(?:\p{Lu}\p{Ll}{1,20})?)(?=[,.;]))?")]
    private static partial Regex Named { get; }

    [GeneratedRegex(@"\b(?:she|her|hers)\b", RegexOptions.IgnoreCase)]
    private static partial Regex Feminine { get; }

    [GeneratedRegex(@"\b(?:he|him|his)\b", RegexOptions.IgnoreCase)]
    private static partial Regex Masculine { get; }

    /// <returns>Who the text names, with what <paramref name="otherwise"/> has where it does not say.</returns>
    public static Person In(string text, Person otherwise)
    {
        var read = text.Length <= TextReadMax ? text : text[..TextReadMax];
        var match = Named.Match(read);
        if (!match.Success)
            return otherwise;

        var (she, he) = (Feminine.Count(read), Masculine.Count(read));
        var pronouns = she > he ? "she her her" : he > she ? "he him his" : otherwise.Pronouns;
        var what = match.Groups["what"];
        return new Person(match.Groups["name"].Value, pronouns, what.Success ? what.Value.TrimEnd() : "a person of few words");
    }
}
