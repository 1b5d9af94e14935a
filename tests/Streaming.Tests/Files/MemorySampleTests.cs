using Streaming.Files;
using Xunit;

namespace Streaming.Tests.Files;

public sealed class MemorySampleTests
{
    [Theory]
    [InlineData(0, 0, MemoryLevel.Normal)]
    [InlineData(0, 1000, MemoryLevel.Normal)]
    [InlineData(599, 1000, MemoryLevel.Normal)]
    [InlineData(600, 1000, MemoryLevel.Warning)]
    [InlineData(749, 1000, MemoryLevel.Warning)]
    [InlineData(750, 1000, MemoryLevel.Critical)]
    [InlineData(849, 1000, MemoryLevel.Critical)]
    [InlineData(850, 1000, MemoryLevel.Emergency)]
    [InlineData(2000, 1000, MemoryLevel.Emergency)]
    public void Level_begins_at_60_75_and_85_percent(long used, long limit, MemoryLevel expected) => Assert.Equal(expected, new MemorySample(used, limit).Level);

    [Fact]
    public void Sample_of_this_process_follows_its_heap()
    {
        var before = MemorySample.Take();
        var held = GC.AllocateUninitializedArray<byte>(64 * 1024 * 1024);
        var after = MemorySample.Take();
        GC.KeepAlive(held);

        Assert.InRange(before.Load, 0.000001, 1.5);
        Assert.True(after.UsedBytes - before.UsedBytes > 32 * 1024 * 1024, $"{before} {after}");
    }

    [Theory]
    [InlineData("0::/a/b\n", "a/b/memory.max=1000;memory.max=max", 1000L)]
    [InlineData("0::/a/b\n", "a/b/memory.max=max;a/memory.max=700", 700L)]
    [InlineData("0::/a/b\n", "a/b/memory.max=500;a/memory.max=700", 500L)]
    [InlineData("0::/of/the/host\n", "memory.max=900", 900L)]
    [InlineData("0::/a\n", "a/memory.max=max", null)]
    [InlineData("5:cpu,cpuacct:/x\n4:memory:/a\n0::/\n", "memory/a/memory.limit_in_bytes=800", 800L)]
    [InlineData("4:memory:/a\n", "memory/a/memory.limit_in_bytes=9223372036854771712", null)]
    [InlineData("4:memory:/a\n", "memory/memory.limit_in_bytes=300", 300L)]
    [InlineData("nonsense\n", "memory.max=1", null)]
    public void Limit_of_the_control_group_is_the_smallest_up_to_the_root(string membership, string files, long? expected)
    {
        using var rig = new FileRig();
        foreach (var file in files.Split(';').Select(file => file.Split('=')))
        {
            var path = Path.Combine(rig.Folder, "root", file[0]);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, file[1] + "\n");
        }

        var self = Path.Combine(rig.Folder, "cgroup");
        File.WriteAllText(self, membership);
        Assert.Equal(expected, CgroupMemory.Limit(self, Path.Combine(rig.Folder, "root")));
    }

    [Fact]
    public void No_control_group_is_no_limit() => Assert.Null(CgroupMemory.Limit("/nowhere/cgroup", "/nowhere"));
}
