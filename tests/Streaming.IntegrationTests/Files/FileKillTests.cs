using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.IntegrationTests.Files;

/// <summary>What was counted before a kill -9 is there after it, in both directions.</summary>
public sealed class FileKillTests(PostgresServer postgres) : IDisposable
{
    const int Size = 48 * 1024 * 1024;
    const int Kills = 3;

    readonly TemporaryDirectory _files = new();

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task File_is_the_same_after_kills_in_the_middle_of_its_upload_and_its_download()
    {
        var bytes = TusRequests.Bytes(Size);
        var host = await ServiceHost.StartAsync(postgres);
        await host.StopAsync();
        var port = ServiceProcess.FreePort();
        var service = await ServiceProcess.StartOnAsync(host.ConnectionString, port, $"--Files:Directory={_files.Path}");
        try
        {
            using var made = await service.Client.CreateFileAsync(Size);
            var path = made.Headers.Location!.ToString();
            for (var kill = 1; kill <= Kills; kill++)
            {
                var offset = await service.Client.OffsetAsync(path);
                var upTo = Size * kill / (Kills + 1);
                var body = new GatedContent(bytes, (int)offset, upTo);
                var patching = service.Client.PatchFileAsync(path, offset, body);
                await body.Reached.Task.WaitAsync(TimeSpan.FromSeconds(60), Cancellation);
                await service.KillAsync();
                body.Killed.SetResult();
                await Assert.ThrowsAnyAsync<HttpRequestException>(() => patching);
                await service.DisposeAsync();
                service = await ServiceProcess.StartOnAsync(host.ConnectionString, port, $"--Files:Directory={_files.Path}");
                var counted = await service.Client.OffsetAsync(path);
                Assert.InRange(counted, offset, upTo + 1);
                var name = Guid.Parse(path.Split('/')[^1]).ToString("N");
                Assert.True(new FileInfo(Path.Combine(_files.Path, name[^2..], name)).Length >= counted, "the database claims bytes that are not on disk");
            }

            var last = await service.Client.OffsetAsync(path);
            using (var rest = await service.Client.PatchFileAsync(path, last, bytes[(int)last..]))
                Assert.Equal(HttpStatusCode.NoContent, rest.StatusCode);

            var url = (await service.Client.PostJsonAsync($"{path}/downloads", null, HttpStatusCode.Created)).GetProperty("contentUrl").GetString()!;
            var held = new MemoryStream();
            for (var kill = 1; held.Length < Size; kill++)
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, url);
                if (held.Length > 0)
                    request.Headers.Range = new RangeHeaderValue(held.Length, null);
                using var response = await service.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancellation);
                Assert.Equal(held.Length > 0 ? HttpStatusCode.PartialContent : HttpStatusCode.OK, response.StatusCode);
                await using var content = await response.Content.ReadAsStreamAsync(Cancellation);
                var piece = new byte[Math.Min(Size / 3, Size - held.Length)];
                await content.ReadExactlyAsync(piece, Cancellation);
                held.Write(piece);
                if (held.Length == Size)
                    break;
                await service.KillAsync();
                await service.DisposeAsync();
                service = await ServiceProcess.StartOnAsync(host.ConnectionString, port, $"--Files:Directory={_files.Path}");
            }

            Assert.Equal(SHA256.HashData(bytes), SHA256.HashData(held.ToArray()));
            var state = await service.Client.EndedAsync(path);
            Assert.Equal("completed", state.Status());
        }
        finally
        {
            await service.DisposeAsync();
            await host.DisposeAsync();
        }
    }

    public void Dispose() => _files.Dispose();

    /// <summary>Bytes up to a place, and no end.</summary>
    sealed class GatedContent(byte[] bytes, int from, int to) : HttpContent
    {
        public TaskCompletionSource Reached { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Killed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync(bytes.AsMemory(from, to - from));
            await stream.FlushAsync();
            Reached.SetResult();
            await Killed.Task;
            throw new IOException("The service was killed.");
        }

        protected override bool TryComputeLength(out long length)
        {
            length = bytes.Length - from;
            return true;
        }
    }
}
