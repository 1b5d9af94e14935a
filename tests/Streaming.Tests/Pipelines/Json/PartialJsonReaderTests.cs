using System.Text.Json;
using Streaming.Pipelines.Json;
using Xunit;

namespace Streaming.Tests.Pipelines.Json;

public class PartialJsonReaderTests
{
    [Fact]
    public void Element_is_reported_when_its_bracket_closes()
    {
        var reader = new PartialJsonReader();

        Assert.Empty(reader.Push("""{"ideas":[{"title":"One","body":"first" """));
        Assert.Equal(["""$.ideas[] {"title":"One","body":"first"}"""], Show(reader.Push("}")));
        Assert.False(reader.Complete);
        Assert.Equal(
            ["$.ideas[] 2", """$.ideas [{"title":"One","body":"first"},2]"""],
            Show(reader.Push(", 2 ]")));
        Assert.Equal(["""$ {"ideas":[{"title":"One","body":"first"},2]}"""], Show(reader.Push("}")));
        Assert.True(reader.Complete);
    }

    [Fact]
    public void Scalar_is_reported_when_the_character_behind_it_proves_its_end()
    {
        var reader = new PartialJsonReader();

        Assert.Empty(reader.Push("""{"title":"One" """));
        Assert.Equal(["$.title \"One\""], Show(reader.Push(",\"count\":1")));
        Assert.Empty(reader.Push("2"));
        Assert.Equal(["$.count 12", """$ {"title":"One","count":12}"""], Show(reader.Push("}")));
    }

    [Fact]
    public void Outermost_array_reports_its_elements()
        => Assert.Equal(["$[] {\"a\":[1]}", "$[] [2]", "$[] null", "$ [{\"a\":[1]},[2],null]"], Read("[{\"a\":[1]},[2],null]"));

    [Fact]
    public void Values_deeper_than_an_element_are_not_reported_on_their_own()
        => Assert.Equal(["""$.a {"b":{"c":[1]}}""", """$ {"a":{"b":{"c":[1]}}}"""], Read("""{"a":{"b":{"c":[1]}}}"""));

    [Theory]
    [InlineData("```json\n{\"a\":1}\n```\nEnjoy!")]
    [InlineData("Here are {some} ideas:\n{\"a\":1}")]
    [InlineData("It's [not] {'a': 2} nor {a: 3}, but {\"a\":1}.")]
    [InlineData("He said [\"hello\n{\"a\":1}")]
    [InlineData("{\" {\"a\":1}")]
    [InlineData("}]\"{{{[[[ so: {\"a\":1} ]]")]
    [InlineData("[1-5] and [01] and [-] and [1.] and [.5] and [nul] and [truefalse] {\"a\":1}")]
    public void Chatter_around_the_json_is_skipped(string answer)
        => Assert.Equal(["$.a 1", "$ {\"a\":1}"], Read(answer));

    [Fact]
    public void Lines_of_json_are_outermost_values_one_after_another()
    {
        var reader = new PartialJsonReader();

        var found = Show(reader.Push("{\"a\":1}\n{\"a\":2}\n{\"a\":"));

        Assert.Equal(["$.a 1", "$ {\"a\":1}", "$.a 2", "$ {\"a\":2}"], found);
        Assert.True(reader.AnythingFound);
        Assert.False(reader.Complete);
    }

    [Fact]
    public void Answer_without_json_finds_nothing()
    {
        var reader = new PartialJsonReader();

        Assert.Empty(reader.Push("I am sorry, {I} cannot [do] that: \"no\"."));

        Assert.False(reader.AnythingFound);
        Assert.False(reader.Complete);
    }

    [Fact]
    public void Unescaped_quotes_lose_their_element_and_not_the_ones_after_it()
    {
        var found = Read("""{"ideas":[{"t":"A"},{"t":"the "odd" one"},{"t":"C"}]}""");

        Assert.Equal(["""$.ideas[] {"t":"A"}""", "$.t \"C\"", """$ {"t":"C"}"""], found);
    }

    [Fact]
    public void Nothing_is_reported_twice_when_a_value_breaks_off()
    {
        var found = Read("""{"ideas":[{"t":"A"},{"t":"B"}, oops [{"t":"C"}]""");

        Assert.Equal(["A", "B", "C"], found.Where(line => line.Contains("[] ")).Select(line => line[^3..^2]));
    }

    [Fact]
    public void Trailing_commas_are_accepted()
        => Assert.Equal("$", Found("""{"a":[1,2,],"b":{"c":1,},}""")[^1].Path);

    [Theory]
    [InlineData("[,1]")]
    [InlineData("[1,,2]")]
    [InlineData("{,}")]
    [InlineData("{\"a\":}")]
    [InlineData("{\"a\" 1}")]
    [InlineData("{\"a\":1 \"b\":2}")]
    [InlineData("[1e999]")]
    public void What_is_no_json_is_not_completed(string text)
    {
        var reader = new PartialJsonReader();
        reader.Push(text);
        Assert.False(reader.Complete);
    }

    [Fact]
    public void Raw_line_breaks_and_tabs_in_a_string_are_content()
        => Assert.Equal("one\n\ttwo\r\nthree\u0001", Title("{\"title\":\"one\n\ttwo\r\nthree\u0001\"}"));

    [Theory]
    [InlineData("\\ud83d\\ude00", "\ud83d\ude00")]
    [InlineData("\\ud83d", "\ufffd")]
    [InlineData("\\ude00x", "\ufffdx")]
    [InlineData("\\ud83d\\ud83d\\ude00", "\ufffd\ud83d\ude00")]
    [InlineData("a\\u0000b\0c", "abc")]
    [InlineData("\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t")]
    [InlineData("it\\'s \\d \\$ \\usepackage \\u12", "it's \\d \\$ \\usepackage \\u12")]
    public void String_comes_out_as_text_that_PostgreSQL_takes(string written, string read)
        => Assert.Equal(read, Title("{\"title\":\"" + written + "\"}"));

    [Fact]
    public void Raw_half_of_a_surrogate_pair_meets_an_escaped_one_and_is_replaced_when_alone()
    {
        // Not InlineData: attributes are stored as UTF-8, which has no halves.
        Assert.Equal("\ud83d\ude00", Title("{\"title\":\"\ud83d\\ude00\"}"));
        Assert.Equal("\ud83d\ude00", Title("{\"title\":\"\\uD83D\ude00\"}"));
        Assert.Equal("\ufffdx\ufffd", Title("{\"title\":\"\ud83dx\ude00\"}"));
    }

    [Fact]
    public void Property_names_are_cleaned_like_any_string()
        => Assert.Equal("$.ab\ufffd", Found("{\"a\\u0000b\\ud83d\":1}")[0].Path);

    [Fact]
    public void Surrogate_pair_cut_in_two_survives()
    {
        var reader = new PartialJsonReader();
        reader.Push("{\"title\":\"\ud83d");
        var found = reader.Push("\ude00\\ud83d").Concat(reader.Push("\\ude00\"}"));
        Assert.Equal("\ud83d\ude00\ud83d\ude00", found.First().Value.GetString());
    }

    [Fact]
    public void Duplicate_property_is_reported_each_time_and_the_last_one_counts()
    {
        var found = Found("""{"a":1,"a":2}""");

        Assert.Equal(["$.a 1", "$.a 2", """$ {"a":1,"a":2}"""], Show(found));
        Assert.Equal(2, found[^1].Value.GetProperty("a").GetInt32());
    }

    [Fact]
    public void Value_as_deep_as_the_limit_is_read_and_a_deeper_one_given_up()
    {
        static string Nested(int depth) => new string('[', depth) + new string(']', depth);

        Assert.Equal("$", Found(Nested(PartialJsonReader.NestingMax))[^1].Path);
        Assert.Empty(Read(Nested(PartialJsonReader.NestingMax + 1)));
        Assert.Equal(["$.a 1", "$ {\"a\":1}"], Read(new string('[', 100_000) + " so: {\"a\":1}")[^2..]);
    }

    [Fact]
    public void Value_as_long_as_the_limit_is_read_and_a_longer_one_given_up()
    {
        static string[] ReadWithin(int charactersMax, string text) => Show(new PartialJsonReader(charactersMax).Push(text));

        Assert.Equal(2, ReadWithin(7, "{\"a\":1}").Length);
        Assert.Empty(ReadWithin(6, "{\"a\":1}"));
        Assert.Equal(["$.a 1", "$ {\"a\":1}"], ReadWithin(7, "[\"" + new string('x', 100) + "\"] {\"a\":1}"));
    }

    private static string? Title(string text) => Found(text).First(value => value.Path == "$.title").Value.GetString();

    private static string[] Read(string text) => Show(Found(text));

    private static IReadOnlyList<CompletedValue> Found(string text) => new PartialJsonReader().Push(text);

    private static string[] Show(IReadOnlyList<CompletedValue> values)
        => [.. values.Select(value => $"{value.Path} {JsonSerializer.Serialize(value.Value, Plain)}")];

    private static readonly JsonSerializerOptions Plain = new()
    {
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };
}
