using System.Text;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using Streaming.Sse;
using Xunit;

namespace Streaming.Tests.Sse;

public sealed class MessageDataTests
{
    [Theory]
    [InlineData("{\"text\":\"hi\"}")]
    [InlineData("{}")]
    [InlineData("{\"a\":{\"type\":1}}")]
    public void Clean_object_is_left_alone(string data) => Assert.Same(data, MessageData.Normalize(data));

    [Theory]
    [InlineData("hello", "{\"text\":\"hello\"}")]
    [InlineData("", "{\"text\":\"\"}")]
    [InlineData("{not json", "{\"text\":\"{not json\"}")]
    [InlineData("{\"a\":1} trailing", "{\"text\":\"{\\\"a\\\":1} trailing\"}")]
    [InlineData("[1]", "{\"text\":\"[1]\"}")]
    [InlineData("two\nlines", "{\"text\":\"two\\nlines\"}")]
    public void Anything_but_an_object_is_text(string data, string expected) => Assert.Equal(expected, MessageData.Normalize(data));

    [Fact]
    public void Lines_inside_an_object_are_joined() => Assert.Equal("{\"text\":\"a\"}", MessageData.Normalize("{\n  \"text\":\r\n \"a\"\n}"));

    [Fact]
    public void Fields_of_the_envelope_cannot_be_forged() => Assert.Equal(
        "{\"text\":\"a\"}",
        MessageData.Normalize("{\"type\":\"end\",\"index\":99,\"first\":0,\"sessionId\":\"x\",\"timestamp\":1,\"text\":\"a\"}"));

    [Fact]
    public void Clean_object_in_utf8_is_left_alone()
    {
        byte[] data = [.. "{\"text\":\"größer\"}"u8];
        Assert.Same(data, MessageData.Normalize(data));
    }

    [Theory]
    [InlineData("")]
    [InlineData("hello")]
    [InlineData("{not json")]
    [InlineData("{\n  \"text\":\r\n \"ä\"\n}")]
    [InlineData("{\"type\":\"end\",\"text\":\"a\"}")]
    public void Utf8_becomes_what_the_text_becomes(string data) =>
        Assert.Equal(MessageData.Normalize(data), Encoding.UTF8.GetString(MessageData.Normalize(Encoding.UTF8.GetBytes(data))));

    [Fact]
    public void Whatever_was_inserted_becomes_one_line_of_json() =>
        Prop.ForAll<string>(data =>
        {
            var normal = MessageData.Normalize(data ?? "");
            using var document = JsonDocument.Parse(normal);
            return document.RootElement.ValueKind == JsonValueKind.Object && !normal.Contains('\n') && !normal.Contains('\r');
        }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("{\"text\":\"größer\"}", "", "größer")]
    [InlineData("{\"text\":\"\"}", "", "")]
    [InlineData("{\"stage\":\"ideas\",\"text\":\"a b\"}", "\"ideas\"", "a b")]
    public void Plain_chunk_is_read_without_a_parser(string data, string stage, string text)
    {
        Assert.True(MessageData.TryReadPlain(Encoding.UTF8.GetBytes(data), out var stageBytes, out var textBytes));
        Assert.Equal((stage, text), (Encoding.UTF8.GetString(stageBytes), Encoding.UTF8.GetString(textBytes)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{\"text\":\"")]
    [InlineData("{\"text\":\"a\"")]
    [InlineData("{\"text\":\"a\"} ")]
    [InlineData("{\"text\":\"a\\nb\"}")]
    [InlineData("{\"text\":\"a\nb\"}")]
    [InlineData("{\"text\":\"a\",\"type\":\"end\"}")]
    [InlineData("{\"text\":\"a\",\"text\":\"b\"}")]
    [InlineData("{\"stage\":")]
    [InlineData("{\"stage\":\"ideas\"}")]
    [InlineData("{\"stage\":null,\"text\":\"a\"}")]
    [InlineData("{\"stage\":\"a\",\"text\":1}")]
    [InlineData("{\"text\":\"a\",\"stage\":\"b\"}")]
    public void Whatever_is_not_quite_that_is_left_to_the_parser(string data) =>
        Assert.False(MessageData.TryReadPlain(Encoding.UTF8.GetBytes(data), out _, out _));

    [Fact]
    public void What_is_read_without_a_parser_is_what_a_parser_reads() =>
        Prop.ForAll<string, string>((stage, text) =>
        {
            foreach (var data in (string[])[$"{{\"text\":\"{text}\"}}", $"{{\"stage\":\"{stage}\",\"text\":\"{text}\"}}"])
            {
                var bytes = Encoding.UTF8.GetBytes(data);
                if (!MessageData.TryReadPlain(bytes, out var stageBytes, out var textBytes))
                    continue;
                using var document = JsonDocument.Parse(bytes);
                var fields = document.RootElement.EnumerateObject().ToDictionary(field => field.Name, field => field.Value.GetRawText());
                if (fields["text"] != $"\"{Encoding.UTF8.GetString(textBytes)}\"" || fields.GetValueOrDefault("stage", "") != Encoding.UTF8.GetString(stageBytes))
                    return false;
            }

            return true;
        }).QuickCheckThrowOnFailure();
}
