using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Streaming.IntegrationTests.Fixtures;

/// <summary>The service as a process of its own, on an embedded PostgreSQL: something to kill.</summary>
public sealed class ServiceProcess : IAsyncDisposable
{
    readonly Process _process;

    ServiceProcess(Process process, int port)
    {
        _process = process;
        Client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}"), Timeout = TimeSpan.FromSeconds(60) };
    }

    public HttpClient Client { get; }

    /// <summary>Starts it on a data directory and waits until it is ready.</summary>
    public static async Task<ServiceProcess> StartAsync(string dataDirectory, params string[] options)
    {
        var port = FreePort();
        var process = Process.Start(new ProcessStartInfo("dotnet", [
            Path.Combine(AppContext.BaseDirectory, "Streaming.dll"), "--urls", $"http://127.0.0.1:{port}",
            $"--Streaming:DataDirectory={dataDirectory}", "--Logging:LogLevel:Default=None", .. options]))!;
        var service = new ServiceProcess(process, port);
        await Eventually.TrueAsync(service.IsReadyAsync, "the service process is ready");
        return service;
    }

    async Task<bool> IsReadyAsync()
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

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        if (!_process.HasExited)
        {
            using (var terminate = Process.Start("kill", ["-TERM", $"{_process.Id}"]))
                await terminate.WaitForExitAsync();
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }

    static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
