using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Streaming.Files;

/// <summary>CRC-32C (Castagnoli, RFC 3720), which the processor has an instruction for. It rolls: bytes may come in pieces.</summary>
public static class Crc32C
{
    /// <summary>The checksum of nothing.</summary>
    public const uint Empty = 0;

    /// <summary>The checksum of what <paramref name="checksum"/> is of, followed by <paramref name="bytes"/>.</summary>
    public static uint Append(uint checksum, ReadOnlySpan<byte> bytes)
    {
        var crc = ~checksum;
        foreach (var word in MemoryMarshal.Cast<byte, ulong>(bytes))
            crc = BitOperations.Crc32C(crc, BitConverter.IsLittleEndian ? word : BinaryPrimitives.ReverseEndianness(word));
        foreach (var one in bytes[(bytes.Length & ~7)..])
            crc = BitOperations.Crc32C(crc, one);
        return ~crc;
    }
}
