using Streaming.Files;
using Xunit;

namespace Streaming.Tests.Files;

public sealed class ChunkSizeTests
{
    const int KiB = 1024;
    const long MiB = 1024 * 1024;

    [Theory]
    [InlineData(0, 32)]
    [InlineData(MiB - 1, 32)]
    [InlineData(MiB, 64)]
    [InlineData(10 * MiB - 1, 64)]
    [InlineData(10 * MiB, 128)]
    [InlineData(100 * MiB - 1, 128)]
    [InlineData(100 * MiB, 256)]
    [InlineData(5_000 * MiB, 256)]
    public void Size_is_that_of_the_files_class(long fileSize, int expected) => Assert.Equal(expected * KiB, ChunkSize.OfFile(fileSize));

    [Theory]
    // Nothing measured: the class, halved by each level of memory, never below 32 KiB.
    [InlineData(200 * MiB, MemoryLevel.Normal, 0, 256)]
    [InlineData(200 * MiB, MemoryLevel.Warning, 0, 128)]
    [InlineData(200 * MiB, MemoryLevel.Critical, 0, 64)]
    [InlineData(200 * MiB, MemoryLevel.Emergency, 0, 32)]
    [InlineData(5 * MiB, MemoryLevel.Emergency, 0, 32)]
    // Slow: smaller until a chunk takes 100 ms at most.
    [InlineData(200 * MiB, MemoryLevel.Normal, 2_621_440, 256)]
    [InlineData(200 * MiB, MemoryLevel.Normal, 2_621_439, 128)]
    [InlineData(200 * MiB, MemoryLevel.Normal, 1_000_000, 64)]
    [InlineData(200 * MiB, MemoryLevel.Normal, 1, 32)]
    // Fast: larger until a chunk takes 2 ms at least.
    [InlineData(1000, MemoryLevel.Normal, 16_384_000, 32)]
    [InlineData(1000, MemoryLevel.Normal, 16_384_001, 64)]
    [InlineData(1000, MemoryLevel.Normal, 1e9, 256)]
    [InlineData(1000, MemoryLevel.Warning, 1e9, 128)]
    [InlineData(50 * MiB, MemoryLevel.Normal, 1e9, 256)]
    public void Size_is_moved_by_memory_and_throughput(long fileSize, MemoryLevel memory, double bytesPerSecond, int expected) =>
        Assert.Equal(expected * KiB, ChunkSize.Next(fileSize, memory, bytesPerSecond));
}
