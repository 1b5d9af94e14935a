using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Streaming.Files;

/// <summary>
/// CRC-32C (Castagnoli, RFC 3720), which the processor has an instruction for. It rolls: bytes may come in pieces. The
/// instruction takes three cycles and can begin every cycle, so three lanes are summed at once and then put together.
/// </summary>
public static class Crc32C
{
    /// <summary>The checksum of nothing.</summary>
    public const uint Empty = 0;

    const int LaneBytes = 4096;
    const int LaneWords = LaneBytes / sizeof(ulong);

    /// <summary>What a register becomes by the zeros of one lane, for each value of each of its four bytes: the sum is linear.</summary>
    static readonly uint[] Skipped = [.. Enumerable.Range(0, 4 * 256).Select(i => Zeros((uint)(i & 255) << (8 * (i / 256))))];

    /// <summary>The checksum of what <paramref name="checksum"/> is of, followed by <paramref name="bytes"/>.</summary>
    public static uint Append(uint checksum, ReadOnlySpan<byte> bytes)
    {
        var crc = ~checksum;
        for (; bytes.Length >= 3 * LaneBytes; bytes = bytes[(3 * LaneBytes)..])
        {
            var words = MemoryMarshal.Cast<byte, ulong>(bytes[..(3 * LaneBytes)]);
            var first = words[..LaneWords];
            var second = words[LaneWords..(2 * LaneWords)];
            var third = words[(2 * LaneWords)..];
            var (one, two, three) = (crc, 0u, 0u);
            for (var i = 0; i < LaneWords; i++)
            {
                one = BitOperations.Crc32C(one, Word(first[i]));
                two = BitOperations.Crc32C(two, Word(second[i]));
                three = BitOperations.Crc32C(three, Word(third[i]));
            }

            crc = Skip(Skip(one) ^ two) ^ three;
        }

        foreach (var word in MemoryMarshal.Cast<byte, ulong>(bytes))
            crc = BitOperations.Crc32C(crc, Word(word));
        foreach (var one in bytes[(bytes.Length & ~7)..])
            crc = BitOperations.Crc32C(crc, one);
        return ~crc;
    }

    static uint Skip(uint crc) =>
        Skipped[crc & 255] ^ Skipped[256 + (crc >> 8 & 255)] ^ Skipped[512 + (crc >> 16 & 255)] ^ Skipped[768 + (crc >> 24)];

    static uint Zeros(uint crc)
    {
        for (var i = 0; i < LaneWords; i++)
            crc = BitOperations.Crc32C(crc, 0ul);
        return crc;
    }

    static ulong Word(ulong word) => BitConverter.IsLittleEndian ? word : BinaryPrimitives.ReverseEndianness(word);
}
