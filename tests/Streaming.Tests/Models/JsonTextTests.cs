using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using Streaming.Models;
using Xunit;

namespace Streaming.Tests.Models;

public class JsonTextTests
{
    [Theory]
    [InlineData("\"\"", "")]
    [InlineData("\"a\\\"b\\\\c\\/d\"", "a\"b\\c/d")]
    [InlineData("\"\\b\\f\\n\\r\\t\"", "\b\f\n\r\t")]
    [InlineData("\"\\u0041\\u00e9\\uD83D\\ude00\"", "Aé😀")]
    [InlineData("\"\\u0000\"", "\0")]
    public void Json_text_decodes_every_escape(string token, string expected)
    {
        Assert.Equal(expected, JsonText.Decode(Encoding.UTF8.GetBytes(token)));
    }

    [Fact]
    public void Json_text_lets_half_a_surrogate_pair_through()
    {
        Assert.Equal("\uD83D", JsonText.Decode("\"\\ud83d\""u8));
        Assert.Equal("\uDE00!", JsonText.Decode("\"\\uDE00!\""u8));
    }

    [Fact]
    public void Json_text_replaces_bytes_that_are_not_utf8()
    {
        Assert.Equal("a\uFFFDb", JsonText.Decode([(byte)'"', (byte)'a', 0xFF, (byte)'b', (byte)'"']));
    }

    [Fact]
    public void Json_text_is_the_inverse_of_the_serializer()
    {
        var relaxed = new JsonSerializerOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
        var texts = ArbMap.Default.ArbFor<UnicodeString>().Filter(text => IsWellFormed(text.Get));

        Check.One(Config.QuickThrowOnFailure.WithMaxTest(1000), Prop.ForAll(texts, text =>
            JsonText.Decode(JsonSerializer.SerializeToUtf8Bytes(text.Get)) == text.Get
            && JsonText.Decode(JsonSerializer.SerializeToUtf8Bytes(text.Get, relaxed)) == text.Get));
    }

    static bool IsWellFormed(string text) => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)) == text;
}
