using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Streaming.Configuration;
using Streaming.Files;
using Streaming.Tests.Models.Offline;

namespace Streaming.Tests.Files;

/// <summary>Streams of real files in a folder of their own, on a clock and with a memory that the test sets.</summary>
internal sealed class FileRig : IDisposable
{
    readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    readonly MeterListener _listener = new();
    readonly Dictionary<string, long> _counts = [];

    public FileRig(FilesOptions? options = null)
    {
        var meters = _services.GetRequiredService<IMeterFactory>();
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Scope == meters)
                listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
        {
            lock (_counts)
            {
                var name = $"{instrument.Name} {string.Join(' ', tags.ToArray().Select(tag => tag.Value))}".Trim();
                _counts[name] = _counts.GetValueOrDefault(name) + value;
            }
        });
        _listener.Start();
        var metrics = new FileMetrics(meters);
        Cleanup = new FileCleanup(metrics, Clock, NullLogger<FileCleanup>.Instance);
        Streams = new FileStreams(options ?? new FilesOptions(), Cleanup, metrics, Clock, NullLogger<FileStreams>.Instance, () => Memory);
    }

    public ManualClock Clock { get; } = new();

    public MemorySample Memory { get; set; } = new(0, 100);

    public FileCleanup Cleanup { get; }

    public FileStreams Streams { get; }

    public string Folder { get; } = Directory.CreateTempSubdirectory("files-test-").FullName;

    /// <summary>What was counted under an instrument's name and its tags' values.</summary>
    public long Count(string name)
    {
        lock (_counts)
            return _counts.GetValueOrDefault(name);
    }

    /// <summary>A file of bytes that tell where they are.</summary>
    public string Write(string name, int length)
    {
        var path = Path.Combine(Folder, name);
        File.WriteAllBytes(path, Bytes(length));
        return path;
    }

    public static byte[] Bytes(int length, int seed = 7)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    public async Task<FileOperation> AdmitAsync(long fileSize = 0) =>
        await Streams.AdmitAsync(FileDirection.Download, fileSize, Xunit.TestContext.Current.CancellationToken)
        ?? throw new InvalidOperationException("It was not let in.");

    public void Dispose()
    {
        _listener.Dispose();
        Streams.Dispose();
        Cleanup.Dispose();
        _services.Dispose();
        Directory.Delete(Folder, recursive: true);
    }
}
