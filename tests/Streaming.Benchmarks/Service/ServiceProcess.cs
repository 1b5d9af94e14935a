using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Streaming.Benchmarks.Service;

/// <summary>
/// The service as a process of its own, on an embedded PostgreSQL in a new temporary folder. Disposing it ends both and
/// removes the folder.
/// </summary>
sealed class ServiceProcess : IAsyncDisposable
{
    public const string InlineCompletions = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS";

    const int OutputLinesMax = 40;
    static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(60);
    static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(20);

    readonly Process _process;
    readonly string _folder;
    readonly Queue<string> _output = new();

    ServiceProcess(string folder, int port, double tokensPerSecond, int generations, string[] settings)
    {
        _folder = folder;
        Address = new IPEndPoint(IPAddress.Loopback, port);
        Client = new HttpClient { BaseAddress = new Uri($"http://{Address}"), Timeout = TimeSpan.FromSeconds(60) };
        var start = new ProcessStartInfo(Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../../dotnet")),
        [
            // With the runtime settings of the service, not with those of this program.
            "exec", "--runtimeconfig", Beside("Streaming.runtimeconfig.json"), "--depsfile", Beside("Streaming.Benchmarks.deps.json"),
            Beside("Streaming.Benchmarks.dll"), ServedProgram.Command,
            tokensPerSecond.ToString(CultureInfo.InvariantCulture), $"{generations}",
            "--urls", $"http://{Address}", "--ConnectionStrings:Streaming=", $"--Streaming:DataDirectory={folder}",
            $"--Transforms:Concurrency={generations}", .. settings,
        ])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Remove(InlineCompletions);
        start.Environment.Remove("DOTNET_SYSTEM_NET_SOCKETS_THREAD_COUNT");
        start.Environment["DOTNET_ENVIRONMENT"] = start.Environment["ASPNETCORE_ENVIRONMENT"] = "Production";
        _process = Process.Start(start)!;
        _process.OutputDataReceived += (_, line) => Keep(line.Data);
        _process.ErrorDataReceived += (_, line) => Keep(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public IPEndPoint Address { get; }

    public HttpClient Client { get; }

    /// <summary>CPU and memory of the service.</summary>
    public ProcessUsage Usage() => ProcessUsage.Of(_process.Id);

    /// <summary>CPU and memory of its PostgreSQL: the server and all its processes.</summary>
    public ProcessUsage DatabaseUsage() => ProcessUsage.OfTree(
        int.Parse(File.ReadLines(Path.Combine(_folder, "postgres", "data", "postmaster.pid")).First(), CultureInfo.InvariantCulture));

    /// <summary>Starts it and waits until it is ready.</summary>
    /// <exception cref="BenchmarkException">It did not become ready.</exception>
    public static async Task<ServiceProcess> StartAsync(double tokensPerSecond, int generations, CancellationToken cancellation, params string[] settings)
    {
        var folder = Directory.CreateTempSubdirectory("streaming-benchmark-").FullName;
        // Under root PostgreSQL runs as another user, who must be able to pass through.
        File.SetUnixFileMode(folder, File.GetUnixFileMode(folder) | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        var service = new ServiceProcess(folder, FreePort(), tokensPerSecond, generations, settings);
        try
        {
            await service.WaitUntilReadyAsync(cancellation);
            return service;
        }
        catch
        {
            await service.DisposeAsync();
            throw;
        }
    }

    /// <summary>Asks for a generation; returns the path of its stream.</summary>
    public async Task<string> GenerateAsync(CancellationToken cancellation)
    {
        using var response = await Client.PostAsJsonAsync("/api/ideations", new
        {
            userInput = "A lighthouse keeper who collects storms",
            genrePaths = new[] { "Drama" },
            genreProportions = new[] { 100 },
            ideaCount = 20,
        }, cancellation);
        if (!response.IsSuccessStatusCode)
            throw new BenchmarkException($"POST /api/ideations answered {(int)response.StatusCode}: {await response.Content.ReadAsStringAsync(cancellation)}");
        var state = await response.Content.ReadFromJsonAsync<JsonElement>(cancellation);
        return $"/api/stream/ideation/{state.GetProperty("id").GetString()}";
    }

    async Task WaitUntilReadyAsync(CancellationToken cancellation)
    {
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                using var response = await Client.GetAsync("/health/ready", cancellation);
                if (response.IsSuccessStatusCode)
                    return;
            }
            catch (HttpRequestException)
            {
            }

            if (_process.HasExited || Stopwatch.GetElapsedTime(started) > StartPatience)
                throw new BenchmarkException($"The service did not become ready:\n{LastLines()}");
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, cancellation);
        }
    }

    void Keep(string? line)
    {
        if (line is null)
            return;
        lock (_output)
        {
            _output.Enqueue(line);
            if (_output.Count > OutputLinesMax)
                _output.Dequeue();
        }
    }

    /// <summary>What it has said last.</summary>
    public string LastLines()
    {
        lock (_output)
            return string.Join('\n', _output);
    }

    static string Beside(string file) => Path.Combine(AppContext.BaseDirectory, file);

    static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        _process.StandardInput.Close();
        using (var patience = new CancellationTokenSource(StopPatience))
        {
            try
            {
                await _process.WaitForExitAsync(patience.Token);
            }
            catch (OperationCanceledException)
            {
                Console.Error.WriteLine($"The service did not stop within {StopPatience}: killed.");
                _process.Kill(entireProcessTree: true);
                await _process.WaitForExitAsync(CancellationToken.None);
            }
        }

        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
