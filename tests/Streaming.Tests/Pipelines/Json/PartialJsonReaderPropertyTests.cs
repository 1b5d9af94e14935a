using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using Streaming.Pipelines.Json;
using Xunit;

namespace Streaming.Tests.Pipelines.Json;

/// <summary>Properties over generated answers; a failure prints the shrunk case and the seed to replay it.</summary>
public class PartialJsonReaderPropertyTests
{
    // Pieces that make likely what random characters would never hit: nearly-JSON.
    private static readonly Gen<string> Piece = Gen.Elements(
        "{", "}", "[", "]", "\"", ",", ":", " ", "\n", "\\", "\\\"", "\\u0000", "\\ud83d", "\\ude00", "\ud83d", "\ude00",
        "\\u12", "'", "a", "1", "-0.5e3", "true", "null", "\"a\":", "\"b\",", "{\"a\":", "},{", "[1,", "```json\n", "\0",
        "{\"ideas\":[", "{\"t\":\"x\"},", "]}", "it's {some} [text] ");

    private static readonly Gen<string> Answer = Gen.Select(Gen.ListOf(Piece), string.Concat);

    private static readonly Gen<int[]> Cuts = Gen.ArrayOf(Gen.Choose(1, 9)).Where(cuts => cuts.Length > 0);

    private static readonly Config Many = Config.QuickThrowOnFailure.WithMaxTest(3000).WithEndSize(60);

    [Fact]
    public void Values_do_not_depend_on_how_the_text_is_cut()
        => Check.One(Many, Prop.ForAll(
            Arb.From(Answer), Arb.From(Cuts), (text, cuts) => Read(text, cuts).SequenceEqual(Read(text, [int.MaxValue]))));

    [Fact]
    public void Json_in_chatter_without_brackets_is_read_as_JsonDocument_reads_it()
        => Check.One(Many, Prop.ForAll(Arb.From(Json(4)), Arb.From(Cuts), (json, cuts) =>
        {
            var text = $"Sure, it's here:\n```json\n{{\"outer\": {json} }}\n``` \"done\"";
            var outermost = Read(text, cuts)[^1];
            using var expected = JsonDocument.Parse($$"""{"outer":{{json}}}""");
            using var actual = JsonDocument.Parse(outermost["$ ".Length..]);
            return outermost.StartsWith("$ ", StringComparison.Ordinal)
                && JsonElement.DeepEquals(expected.RootElement, actual.RootElement);
        }));

    [Fact]
    public void Every_reported_string_can_be_stored()
        => Check.One(Many, Prop.ForAll(Arb.From(Answer), text => new PartialJsonReader().Push(text)
            .Where(value => value.Value.ValueKind == JsonValueKind.String)
            .Select(value => value.Value.GetString()!)
            .All(value => !value.Contains('\0') && value == string.Concat(value.EnumerateRunes()))));

    private static Gen<string> Json(int depth)
    {
        var scalar = Gen.OneOf(
            Gen.Elements("true", "false", "null", "0", "-1", "3.25", "1e5", "\"\"", "\"[{\\\"\"", "\"}],\"", "\"\\ud83d\\ude00\""),
            Gen.Select(ArbMap.Default.GeneratorFor<int>(), n => n.ToString(System.Globalization.CultureInfo.InvariantCulture)));
        if (depth == 0)
            return scalar;

        var inner = Gen.ListOf(Json(depth - 1), 3);
        return Gen.OneOf(
            scalar,
            Gen.Select(inner, items => $"[ {string.Join(" ,\n", items)} ]"),
            Gen.Select(inner, items => $"{{{string.Join(",", items.Select((item, i) => $"\"p{i}\" : {item}"))}}}"));
    }

    private static List<string> Read(string text, int[] cuts)
    {
        var reader = new PartialJsonReader();
        var found = new List<string>();
        for (var (at, i) = (0, 0); at < text.Length; i++)
        {
            var length = Math.Min(cuts[i % cuts.Length], text.Length - at);
            found.AddRange(reader.Push(text.AsSpan(at, length)).Select(value => $"{value.Path} {value.Value.GetRawText()}"));
            at += length;
        }

        return found;
    }
}
