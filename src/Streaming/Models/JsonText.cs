using System.Globalization;
using System.Text;

namespace Streaming.Models;

/// <summary>Decodes JSON strings as they are, halves of surrogate pairs included.</summary>
/// <remarks>Gateways that cut text by UTF-16 units send an emoji as <c>"\ud83d"</c> and, in the next chunk,
/// <c>"\ude00"</c>. That is valid JSON (RFC 8259, 8.2), and System.Text.Json throws on it; here the halves come
/// through, for <see cref="TextCleaner"/> to join.</remarks>
public static class JsonText
{
    /// <summary>The text of a JSON string token. Bytes that are not UTF-8 become U+FFFD.</summary>
    /// <param name="token">The token with its quotes, already checked to be JSON.</param>
    public static string Decode(ReadOnlySpan<byte> token)
    {
        var rest = token[1..^1];
        var escape = rest.IndexOf((byte)'\\');
        if (escape < 0) return Encoding.UTF8.GetString(rest);

        var text = new StringBuilder(rest.Length);
        for (; escape >= 0; escape = rest.IndexOf((byte)'\\'))
        {
            text.Append(Encoding.UTF8.GetString(rest[..escape]));
            var kind = rest[escape + 1];
            rest = rest[(escape + 2)..];
            if (kind == 'u')
            {
                var unit = ushort.Parse(rest[..4], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
                text.Append((char)unit);
                rest = rest[4..];
                continue;
            }
            text.Append(kind switch
            {
                (byte)'n' => '\n',
                (byte)'t' => '\t',
                (byte)'r' => '\r',
                (byte)'b' => '\b',
                (byte)'f' => '\f',
                _ => (char)kind,
            });
        }
        return text.Append(Encoding.UTF8.GetString(rest)).ToString();
    }
}
