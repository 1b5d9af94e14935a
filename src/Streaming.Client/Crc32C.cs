using System.Numerics;
using System.Runtime.InteropServices;

namespace Streaming.Client;

/// <summary>CRC-32C (Castagnoli, RFC 3720), as the state of a file has it.</summary>
static class Crc32C
{
    const int BufferBytes = 128 * 1024;

    /// <summary>Of what a stream has from its position to its end.</summary>
    public static async Task<uint> OfAsync(Stream stream, CancellationToken cancellation)
    {
        var buffer = new byte[BufferBytes];
        var crc = uint.MaxValue;
        while (await stream.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellation) is var read and > 0)
            crc = Append(crc, buffer.AsSpan(0, read));
        return ~crc;
    }

    static uint Append(uint crc, ReadOnlySpan<byte> bytes)
    {
        if (BitConverter.IsLittleEndian)
        {
            foreach (var word in MemoryMarshal.Cast<byte, ulong>(bytes))
                crc = BitOperations.Crc32C(crc, word);
            bytes = bytes[(bytes.Length & ~7)..];
        }

        foreach (var one in bytes)
            crc = BitOperations.Crc32C(crc, one);
        return crc;
    }
}
