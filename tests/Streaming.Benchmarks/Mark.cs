using System.Buffers.Text;
using System.Diagnostics;
using System.Globalization;

namespace Streaming.Benchmarks;

/// <summary>
/// A moment within text: <c>@</c> and 16 hexadecimal digits of <see cref="Stopwatch"/> time, which on Linux is the kernel's
/// monotonic clock and so the same in every process.
/// </summary>
static class Mark
{
    public const int Length = 17;
    public const byte Sign = (byte)'@';

    public static string Now() => string.Create(CultureInfo.InvariantCulture, $"@{Stopwatch.GetTimestamp():x16}");

    /// <summary>Reads the digits after the sign.</summary>
    public static bool TryRead(ReadOnlySpan<byte> text, out long timestamp) =>
        Utf8Parser.TryParse(text.Length < Length ? default : text[1..Length], out timestamp, out var read, 'x') && read == Length - 1;
}
