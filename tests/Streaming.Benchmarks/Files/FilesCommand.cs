using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Streaming.Benchmarks.Reports;
using Streaming.Benchmarks.Service;

namespace Streaming.Benchmarks.Files;

/// <summary>
/// B11: a file of 1 GiB out of the page cache over HTTP, plain and with progress and checkpoints, against
/// <c>FileStream.CopyToAsync</c> of 256 KiB pieces to the same kind of response; then both of ours to a reader that takes 200 MB/s.
/// </summary>
static class FilesCommand
{
    public const string Name = "B11";

    const string Copy = "CopyToAsync, 256 KiB";
    const string Sendfile = "nginx, sendfile";
    const int FileBytes = 1024 * 1024 * 1024;
    const int BufferBytes = 256 * 1024;
    const double PacedBytesPerSecond = 200e6;

    /// <summary>What one download gave.</summary>
    readonly record struct Figures(double MegabytesPerSecond, double Cores, double PeakMiB)
    {
        public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{MegabytesPerSecond:#,0} MB/s, {Cores:0.00} cores, peak +{PeakMiB:0.0} MiB");
    }

    public static async Task<int> RunAsync(string[] args, CancellationToken cancellation)
    {
        var runs = args is ["--runs", var text] && int.TryParse(text, out var number) ? number : 5;
        var figures = new Dictionary<string, List<Figures>>();
        var folder = Directory.CreateTempSubdirectory("streaming-files-benchmark-");
        try
        {
            await using var database = await DatabaseProcess.StartAsync(cancellation);
            await using var service = await ServiceProcess.StartAsync(new ServiceSetup(database) { Settings = [$"--Files:Directory={folder.FullName}"] }, cancellation);
            var path = await UploadAsync(service, cancellation);
            var onDisk = Directory.EnumerateFiles(folder.FullName, "*", SearchOption.AllDirectories).Single();
            using var nginx = NginxProcess.TryStart(folder.FullName);
            List<(string Name, IPEndPoint Server, bool IsPaced, Func<Task<string>> Url)> kinds =
            [
                (Copy, service.Address, false, () => Task.FromResult($"{RivalFilter.Path}?file={onDisk}")),
                ("ours", service.Address, false, () => Task.FromResult($"{path}/content")),
                ("ours, checkpoints", service.Address, false, () => DownloadAsync(service, path, cancellation)),
                ("ours at 200 MB/s", service.Address, true, () => Task.FromResult($"{path}/content")),
                ("ours at 200 MB/s, checkpoints", service.Address, true, () => DownloadAsync(service, path, cancellation)),
            ];
            if (nginx is not null)
                kinds.Add((Sendfile, nginx.Address, false, () => Task.FromResult($"/{Path.GetRelativePath(folder.FullName, onDisk)}")));
            foreach (var kind in kinds)
                figures[kind.Name] = [];
            // Run 0 is the warm-up.
            for (var run = 0; run <= runs; run++)
                foreach (var (name, server, isPaced, url) in kinds)
                    if (await MeasureAsync(service, server, await url(), isPaced, cancellation) is var figure && run > 0)
                    {
                        figures[name].Add(figure);
                        Console.WriteLine($"run {run}: {name}: {figure}");
                    }

            var medians = figures.ToDictionary(kind => kind.Key, kind => Median(kind.Value));
            Console.WriteLine($"\n{TimeProvider.System.GetUtcNow():yyyy-MM-dd HH:mm}, {await Repository.CommitAsync(cancellation)}, {Machine.Describe()}, medians of {runs}");
            foreach (var (name, median) in medians)
                Console.WriteLine($"| {name} | {median} | {Ratio(name, Copy)} of {Copy}{(nginx is null ? "" : $", {Ratio(name, Sendfile)} of {Sendfile}")} |");
            return 0;
        }
        finally
        {
            folder.Delete(recursive: true);
        }

        // Of the same run each: the machine drifts.
        string Ratio(string name, string rival) => string.Create(CultureInfo.InvariantCulture,
            $"{figures[name].Zip(figures[rival], (own, other) => own.MegabytesPerSecond / other.MegabytesPerSecond).Order().ElementAt(runs / 2):0.00}");
    }

    static async Task<string> UploadAsync(ServiceProcess service, CancellationToken cancellation)
    {
        using var create = new HttpRequestMessage(HttpMethod.Post, "/api/files") { Headers = { { "Tus-Resumable", "1.0.0" }, { "Upload-Length", $"{FileBytes}" } } };
        using var made = await service.Client.SendAsync(create, cancellation);
        var path = made.EnsureSuccessStatusCode().Headers.Location!.ToString();
        var bytes = new byte[FileBytes / 16];
        new Random(1).NextBytes(bytes);
        var started = Stopwatch.GetTimestamp();
        for (var part = 0; part < 16; part++)
        {
            using var patch = new HttpRequestMessage(HttpMethod.Patch, path)
            {
                Content = new ByteArrayContent(bytes) { Headers = { ContentType = new MediaTypeHeaderValue("application/offset+octet-stream") } },
                Headers = { { "Tus-Resumable", "1.0.0" }, { "Upload-Offset", $"{(long)part * bytes.Length}" } },
            };
            using var patched = await service.Client.SendAsync(patch, cancellation);
            patched.EnsureSuccessStatusCode();
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"uploaded at {FileBytes / 1e6 / Stopwatch.GetElapsedTime(started).TotalSeconds:#,0} MB/s, flushed to the disk"));
        return path;
    }

    static async Task<string> DownloadAsync(ServiceProcess service, string path, CancellationToken cancellation)
    {
        using var response = await service.Client.PostAsync($"{path}/downloads", null, cancellation);
        return (await response.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<JsonElement>(cancellation)).GetProperty("contentUrl").GetString()!;
    }

    /// <summary>Reads an answer to its end and throws the bytes away.</summary>
    static async Task<Figures> MeasureAsync(ServiceProcess service, IPEndPoint server, string url, bool isPaced, CancellationToken cancellation)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(server, cancellation);
        var before = service.Usage();
        var peak = before.MemoryBytes;
        using var over = new CancellationTokenSource();
        var watching = Task.Run(async () =>
        {
            while (!over.IsCancellationRequested)
            {
                peak = Math.Max(peak, service.Usage().MemoryBytes);
                await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, CancellationToken.None);
            }
        }, CancellationToken.None);
        var started = Stopwatch.GetTimestamp();
        await socket.SendAsync(Encoding.ASCII.GetBytes($"GET {url} HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n\r\n"), cancellation);
        var buffer = new byte[BufferBytes];
        var received = 0L;
        while (true)
        {
            var count = await socket.ReceiveAsync(buffer, cancellation);
            if (count == 0)
                break;
            received += count;
            if (isPaced && received / PacedBytesPerSecond - Stopwatch.GetElapsedTime(started).TotalSeconds is > 0.002 and var ahead)
                await Task.Delay(TimeSpan.FromSeconds(ahead), TimeProvider.System, cancellation);
        }

        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        var after = service.Usage();
        await over.CancelAsync();
        await watching;
        if (received is < FileBytes or > FileBytes + 4096)
            throw new BenchmarkException($"{url} gave {received} bytes.\n{service.LastLines()}");
        return new Figures(received / 1e6 / seconds, (after.Cpu - before.Cpu).TotalSeconds / seconds, (peak - before.MemoryBytes) / 1024.0 / 1024.0);
    }

    static Figures Median(List<Figures> runs)
    {
        return new Figures(Of(f => f.MegabytesPerSecond), Of(f => f.Cores), Of(f => f.PeakMiB));

        double Of(Func<Figures, double> figure) => runs.Select(figure).Order().ElementAt(runs.Count / 2);
    }
}
