using System.Text;
using Streaming.Files;
using Xunit;

namespace Streaming.Tests.Files;

public sealed class Crc32CTests
{
    [Theory]
    [InlineData("", 0u)]
    [InlineData("123456789", 0xE3069283u)]
    [InlineData("a", 0xC1D04330u)]
    [InlineData("The quick brown fox jumps over the lazy dog", 0x22620404u)]
    public void Checksum_is_that_of_the_standard(string text, uint expected) =>
        Assert.Equal(expected, Crc32C.Append(Crc32C.Empty, Encoding.ASCII.GetBytes(text)));

    [Fact]
    public void Checksum_of_zeros_is_that_of_the_standard() => Assert.Equal(0x8A9136AAu, Crc32C.Append(Crc32C.Empty, new byte[32]));

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void It_rolls_over_pieces_of_any_size_and_is_the_same_as_bit_by_bit(int seed)
    {
        var random = new Random(seed);
        var bytes = FileRig.Bytes(random.Next(20_000, 70_000), seed);
        var (rolling, position) = (Crc32C.Empty, 0);
        while (position < bytes.Length)
        {
            var length = Math.Min(random.Next(0, 30_000), bytes.Length - position);
            rolling = Crc32C.Append(rolling, bytes.AsSpan(position, length));
            position += length;
        }

        Assert.Equal(BitByBit(bytes), rolling);
    }

    static uint BitByBit(byte[] bytes)
    {
        var crc = uint.MaxValue;
        foreach (var one in bytes)
        {
            crc ^= one;
            for (var bit = 0; bit < 8; bit++)
                crc = (crc & 1) == 0 ? crc >> 1 : (crc >> 1) ^ 0x82F63B78;
        }

        return ~crc;
    }
}
