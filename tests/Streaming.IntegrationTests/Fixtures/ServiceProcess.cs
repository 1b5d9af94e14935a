using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Streaming.IntegrationTests.Fixtures;

/// <summary>The service as a process of its own, on an embedded PostgreSQL or a given one: something to kill.</summary>
public sealed class ServiceProcess : IAsyncDisposable
{
    readonly Process _process;

    ServiceProcess(Process process, int port)
    {
        _process = process;
        Client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}"), Timeout = TimeSpan.FromSeconds(60) };
    }

    public HttpClient Client { get; }

    /// <summary>The id of the process.</summary>
    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>Starts it on a data directory and waits until it is ready.</summary>
    public static Task<ServiceProcess> StartAsync(string dataDirectory, params string[] options) =>
        StartAsync(FreePort(), [$"--Streaming:DataDirectory={dataDirectory}", .. options]);

    /// <summary>Starts it on a database and a port, which may be those of one that was killed, and waits until it is ready.</summary>
    public static Task<ServiceProcess> StartOnAsync(string connectionString, int port, params string[] options) =>
        StartAsync(port, [$"--ConnectionStrings:Streaming={connectionString}", .. options]);

    /// <summary>The same with a heap of so many bytes at most.</summary>
    public static Task<ServiceProcess> StartSmallAsync(string connectionString, long heapBytesMax, params string[] options) =>
        StartAsync(FreePort(), [$"--ConnectionStrings:Streaming={connectionString}", .. options], heapBytesMax);

    static async Task<ServiceProcess> StartAsync(int port, string[] options, long? heapBytesMax = null)
    {
        var start = new ProcessStartInfo("dotnet", [
            Path.Combine(AppContext.BaseDirectory, "Streaming.dll"), "--urls", $"http://127.0.0.1:{port}",
            "--Serilog:MinimumLevel:Default=Fatal", .. options]);
        if (heapBytesMax is { } bytes)
            start.Environment["DOTNET_GCHeapHardLimit"] = $"{bytes:X}";
        var process = Process.Start(start)!;
        var service = new ServiceProcess(process, port);
        await Eventually.TrueAsync(service.IsReadyAsync, "the service process is ready");
        return service;
    }

    /// <summary>What <c>/health/ready</c> says; false also while nobody listens.</summary>
    public async Task<bool> IsReadyAsync()
    {
        try
        {
            using var response = await Client.GetAsync("/health/ready");
            return response.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    /// <summary>SIGKILL: no handler runs.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>SIGTERM, as an orchestrator sends: returns when the process has ended.</summary>
    public async Task TerminateAsync()
    {
        using (var terminate = Process.Start("kill", ["-TERM", $"{_process.Id}"]))
            await terminate.WaitForExitAsync();
        await _process.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        if (!_process.HasExited)
            await TerminateAsync();
        _process.Dispose();
    }

    /// <summary>A loopback port that nobody uses at the moment.</summary>
    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
