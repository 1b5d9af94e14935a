using Streaming.Client;
using Streaming.IntegrationTests.Fixtures;
using Xunit;
using ServiceClient = Streaming.Client.StreamingClient;

namespace Streaming.IntegrationTests.Client;

/// <summary>Files up and down with the .NET client, over a network that is none.</summary>
public sealed class FileTransferTests(ServiceFixture service) : IClassFixture<ServiceFixture>
{
    const int Size = 20_000_000;

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(CutKind.Fin)]
    [InlineData(CutKind.Rst)]
    public async Task File_that_is_sent_and_fetched_over_cuts_is_the_same(CutKind kind)
    {
        const int Cuts = 12;
        var bytes = TusRequests.Bytes(Size);
        var seed = Environment.TickCount;
        var random = new Random(seed);
        await using var proxy = new CuttableProxy(service.Host.Address) { PlannedCutsMax = Cuts };
        using var http = new HttpClient { BaseAddress = proxy.Address };
        var client = new ServiceClient(http, new StreamingClientOptions { RetryDelayMax = TimeSpan.FromMilliseconds(200) });
        var told = new List<FileTransferProgress>();
        await using var content = new MemoryStream(bytes);
        proxy.Plan = () => new Cut(random.NextInt64(100, 3_000_000), kind);
        // A POST that is cut has made a file that nobody knows.
        var id = await new ServiceClient(service.Host.Client).CreateFileAsync("a.bin", Size, Cancellation);
        var uploaded = await client.UploadFileAsync(content, "a.bin", id, new Told(told), Cancellation);
        Assert.Equal((id, Size), (uploaded.Id, uploaded.File!.Bytes));
        Assert.Equal(new FileTransferProgress(Size, Size), told[^1]);
        Assert.Equal(told.Select(one => one.Bytes).Order(), told.Select(one => one.Bytes));

        await using var target = new MemoryStream();
        await client.DownloadFileAsync(id, target, cancellation: Cancellation);
        Assert.True(bytes.AsSpan().SequenceEqual(target.ToArray()), $"seed {seed}");
        Assert.True(proxy.PlannedCuts > 2, "there were no cuts");
    }

    [Fact]
    public async Task Download_goes_on_behind_what_is_there_and_begins_anew_where_that_is_something_else()
    {
        var bytes = TusRequests.Bytes(3_000_000);
        var client = new ServiceClient(service.Host.Client);
        var id = Guid.Parse((await service.Host.Client.UploadAsync(bytes)).Split('/')[^1]);
        foreach (var there in (byte[][])[[], bytes[..1_000_000], bytes, new byte[1_000_000], new byte[4_000_000]])
        {
            await using var target = new MemoryStream();
            await target.WriteAsync(there, Cancellation);
            await client.DownloadFileAsync(id, target, cancellation: Cancellation);
            Assert.True(bytes.AsSpan().SequenceEqual(target.ToArray()));
        }
    }

    [Fact]
    public async Task What_is_refused_for_good_is_thrown_at_once()
    {
        var client = new ServiceClient(service.Host.Client);
        await using var content = new MemoryStream([1, 2, 3]);
        var missing = await Assert.ThrowsAsync<StreamingException>(() => client.UploadFileAsync(content, "a", Guid.NewGuid(), cancellation: Cancellation));
        Assert.Equal(System.Net.HttpStatusCode.NotFound, missing.Status);
        var id = await client.CreateFileAsync("a", 3, Cancellation);
        Assert.Equal("conflict", (await Assert.ThrowsAsync<StreamingException>(() => client.DownloadFileAsync(id, new MemoryStream(), cancellation: Cancellation))).Code);
        await using var other = new MemoryStream([1, 2, 3, 4]);
        Assert.Equal("file_too_large", (await Assert.ThrowsAsync<StreamingException>(() => client.UploadFileAsync(other, "a", id, cancellation: Cancellation))).Code);
    }

    sealed class Told(List<FileTransferProgress> list) : IProgress<FileTransferProgress>
    {
        public void Report(FileTransferProgress value) => list.Add(value);
    }
}
