using System.ComponentModel;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Streaming.IntegrationTests.Fixtures;

/// <summary>A real, very small language model behind an OpenAI-compatible API, run by Node.js from a folder
/// <c>shared/upstream</c> beside the repository.</summary>
public sealed class TinyModelServer : IAsyncDisposable
{
    static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(20);

    readonly Process _process;

    TinyModelServer(Process process, Uri endpoint)
    {
        _process = process;
        Endpoint = endpoint;
    }

    /// <summary>What to set as <c>Models:OpenAI:Endpoint</c>.</summary>
    public Uri Endpoint { get; }

    /// <summary>Starts the server; or says why it cannot run here, for a test to skip with.</summary>
    public static async Task<(TinyModelServer? Server, string? Missing)> TryStartAsync(CancellationToken cancellation)
    {
        if (FindScript() is not { } script)
            return (null, "No folder shared/upstream with tinylm-server.mjs beside the repository: there is no real model to talk to.");

        var port = FreePort();
        var start = new ProcessStartInfo("node") { RedirectStandardOutput = true, UseShellExecute = false };
        start.ArgumentList.Add(script);
        start.ArgumentList.Add(port.ToString(System.Globalization.CultureInfo.InvariantCulture));
        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (Win32Exception)
        {
            return (null, "No node on the PATH: tinylm-server.mjs cannot run.");
        }

        var server = new TinyModelServer(process, new Uri($"http://127.0.0.1:{port}/v1"));
        // It prints one line when it listens, and ends without one when the port has been taken meanwhile.
        var line = await process.StandardOutput.ReadLineAsync(cancellation).AsTask().WaitAsync(StartTimeout, cancellation);
        if (line is not null) return (server, null);
        await server.DisposeAsync();
        throw new InvalidOperationException("tinylm-server.mjs ended at its start; its error output is above.");
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited) _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    static string? FindScript()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            // The program runs only under its real path, so a link is followed here.
            var shared = Path.Combine(folder.FullName, "shared");
            shared = Directory.Exists(shared) ? Directory.ResolveLinkTarget(shared, returnFinalTarget: true)?.FullName ?? shared : shared;
            var script = Path.Combine(shared, "upstream", "tinylm-server.mjs");
            if (File.Exists(script)) return script;
        }
        return null;
    }

    static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
