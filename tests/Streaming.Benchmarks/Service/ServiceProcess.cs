using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;

namespace Streaming.Benchmarks.Service;

/// <summary>How a service is started.</summary>
/// <param name="Database">Its database.</param>
sealed record ServiceSetup(DatabaseProcess Database)
{
    /// <summary>Pace of each generation; 0: as fast as it goes.</summary>
    public double TokensPerSecond { get; init; }

    /// <summary>How many generations there will be; none begins to write before all have begun.</summary>
    public int Generations { get; init; } = 1;

    /// <summary>Its share of the work.</summary>
    public string Role { get; init; } = "all";

    /// <summary>Where it listens; null: a port that is free.</summary>
    public int? Port { get; init; }

    /// <summary>Bytes of its heap at most; null: as the machine allows.</summary>
    public long? HeapBytesMax { get; init; }

    /// <summary>Further options, as on the command line.</summary>
    public IReadOnlyList<string> Settings { get; init; } = [];
}

/// <summary>The service as a process of its own. Disposing it ends it.</summary>
sealed class ServiceProcess : IAsyncDisposable
{
    static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(60);

    readonly ChildProcess _process;

    ServiceProcess(ServiceSetup setup)
    {
        Address = new IPEndPoint(IPAddress.Loopback, setup.Port ?? FreePort());
        Client = new HttpClient { BaseAddress = new Uri($"http://{Address}"), Timeout = TimeSpan.FromSeconds(60) };
        _process = new ChildProcess(setup.HeapBytesMax,
            [
            ServedProgram.Command, setup.TokensPerSecond.ToString(CultureInfo.InvariantCulture), $"{setup.Generations}",
            "--urls", $"http://{Address}", $"--ConnectionStrings:Streaming={setup.Database.ConnectionString}",
            $"--Streaming:Role={setup.Role}", $"--Streaming:DataDirectory={setup.Database.Folder}", $"--Transforms:Concurrency={setup.Generations}",
            // Its answers have no end.
            $"--Models:TextBytesMax={int.MaxValue}", .. setup.Settings,
        ]);
    }

    public IPEndPoint Address { get; }

    public HttpClient Client { get; }

    /// <summary>Ids of its processes.</summary>
    public IReadOnlyList<int> Processes => [_process.Id];

    /// <summary>CPU and memory.</summary>
    public ProcessUsage Usage() => ProcessUsage.Of(_process.Id);

    /// <summary>How long it has stood still for collections of garbage.</summary>
    public async Task<TimeSpan> PausesAsync(CancellationToken cancellation) => TimeSpan.FromMilliseconds(
        double.Parse(await Client.GetStringAsync(ServedProgram.PausesPath, cancellation), CultureInfo.InvariantCulture));

    /// <summary>What it has said last.</summary>
    public string LastLines() => _process.LastLines();

    /// <summary>Starts it and waits until it is ready.</summary>
    /// <exception cref="BenchmarkException">It did not become ready.</exception>
    public static async Task<ServiceProcess> StartAsync(ServiceSetup setup, CancellationToken cancellation)
    {
        var service = new ServiceProcess(setup);
        try
        {
            if (!await IsReadyAsync(service.Client, () => service._process.HasExited, cancellation))
                throw new BenchmarkException($"The service did not become ready:\n{service.LastLines()}");
            return service;
        }
        catch
        {
            await service.DisposeAsync();
            throw;
        }
    }

    /// <summary>Waits until a service says that it is ready; false when it ends instead, or takes longer than a minute.</summary>
    public static async Task<bool> IsReadyAsync(HttpClient client, Func<bool> hasExited, CancellationToken cancellation)
    {
        for (var started = Stopwatch.GetTimestamp(); !hasExited() && Stopwatch.GetElapsedTime(started) < StartPatience;)
        {
            try
            {
                using var response = await client.GetAsync("/health/ready", cancellation);
                if (response.IsSuccessStatusCode)
                    return true;
            }
            catch (HttpRequestException)
            {
            }

            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, cancellation);
        }

        return false;
    }

    /// <summary>Asks for a generation; returns the path of its stream.</summary>
    public async Task<string> GenerateAsync(CancellationToken cancellation)
    {
        var state = await PostAsync("/api/ideations", new
        {
            userInput = "A lighthouse keeper who collects storms",
            genrePaths = new[] { "Drama" },
            genreProportions = new[] { 100 },
            ideaCount = 20,
        }, cancellation);
        return $"/api/stream/ideation/{state.GetProperty("id").GetString()}";
    }

    /// <summary>Opens a relay and fills it with chunks, each with its mark; returns its id. Its first message, 0, is <c>start</c>.</summary>
    public async Task<string> RelayAsync(int chunks, CancellationToken cancellation)
    {
        const int AtOnce = 1000;
        var id = (await PostAsync("/api/relays", new { title = "benchmark" }, cancellation)).GetProperty("id").GetString()!;
        for (var sent = 0; sent < chunks; sent += AtOnce)
            await AppendAsync(id, Math.Min(AtOnce, chunks - sent), cancellation);
        return id;
    }

    /// <summary>Writes so many chunks, each with its mark, to a relay.</summary>
    public Task AppendAsync(string relay, int chunks, CancellationToken cancellation) => PostAsync(
        $"/api/relays/{relay}/messages", Enumerable.Range(0, chunks).Select(_ => new { type = "chunk", text = $"{Mark.Now()} some words" }), cancellation);

    async Task<JsonElement> PostAsync(string path, object body, CancellationToken cancellation)
    {
        using var response = await Client.PostAsJsonAsync(path, body, cancellation);
        if (!response.IsSuccessStatusCode)
            throw new BenchmarkException($"POST {path} answered {(int)response.StatusCode}: {await response.Content.ReadAsStringAsync(cancellation)}");
        return await response.Content.ReadFromJsonAsync<JsonElement>(cancellation);
    }

    /// <summary>A port of loopback that nobody listens on.</summary>
    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>SIGKILL: no handler runs.</summary>
    public Task KillAsync() => _process.KillAsync();

    /// <summary>Tells it to stop and waits until it has.</summary>
    public Task StopAsync() => _process.StopAsync();

    public ValueTask DisposeAsync()
    {
        Client.Dispose();
        return _process.DisposeAsync();
    }
}
