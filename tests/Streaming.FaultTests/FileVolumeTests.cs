using System.Net;
using Streaming.FaultTests.Rigs;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.FaultTests;

/// <summary>The volume of the files has no free byte left.</summary>
public sealed class FileVolumeTests(PostgresServer postgres)
{
    const int VolumeMiB = 16;
    const int MiB = 1024 * 1024;

    [Fact]
    public async Task Upload_to_a_full_volume_is_refused_and_leaves_nothing_uncounted()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "A file system that is small enough to be filled can only be mounted by root.");
        using var volume = new TemporaryVolume(VolumeMiB);
        await using var host = await ServiceHost.StartAsync(postgres, [new("Files:Directory", volume.Path)]);
        var bytes = TusRequests.Bytes(8 * MiB);

        using (var tooLarge = await host.Client.CreateFileAsync(100 * MiB))
            Assert.Equal(HttpStatusCode.InsufficientStorage, tooLarge.StatusCode);
        using var made = await host.Client.CreateFileAsync(bytes.Length, "a", bytes[..MiB]);
        var path = made.Headers.Location!.ToString();
        volume.Fill();
        for (var time = 0; time < 2; time++)
        {
            using var refused = await host.Client.PatchFileAsync(path, MiB, bytes[MiB..]);
            Assert.Equal(HttpStatusCode.InsufficientStorage, refused.StatusCode);
            Assert.Contains("storage_full", await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);
            Assert.Equal(MiB, await host.Client.OffsetAsync(path));
            Assert.Equal(MiB, Directory.EnumerateFiles(volume.Path, "*", SearchOption.AllDirectories).Where(file => Path.GetFileName(file) != "balloon").Sum(file => new FileInfo(file).Length));
        }

        using (var another = await host.Client.CreateFileAsync(MiB))
            Assert.Equal(HttpStatusCode.InsufficientStorage, another.StatusCode);
        volume.Free();
        using var rest = await host.Client.PatchFileAsync(path, MiB, bytes[MiB..]);
        Assert.Equal(HttpStatusCode.NoContent, rest.StatusCode);
        Assert.Equal(bytes, await host.Client.GetByteArrayAsync($"{path}/content"));
    }
}
