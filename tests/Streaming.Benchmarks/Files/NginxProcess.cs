using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Streaming.Benchmarks.Files;

/// <summary>nginx with sendfile on a folder, where it is installed.</summary>
sealed class NginxProcess : IDisposable
{
    static readonly string[] Places = ["/usr/sbin/nginx", "/usr/bin/nginx", "/usr/local/sbin/nginx"];

    readonly Process _process;

    NginxProcess(Process process, IPEndPoint address) => (_process, Address) = (process, address);

    public IPEndPoint Address { get; }

    public static NginxProcess? TryStart(string folder)
    {
        if (Places.FirstOrDefault(File.Exists) is not { } program)
            return null;
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var address = (IPEndPoint)listener.LocalEndpoint;
        listener.Stop();
        var settings = Path.Combine(folder, "nginx.conf");
        File.WriteAllText(settings,
            $$"""
            daemon off; {{(Environment.IsPrivilegedProcess ? "user root;" : "")}} pid {{folder}}/nginx.pid; error_log stderr crit;
            events {}
            http { access_log off; sendfile on; tcp_nopush on; server { listen {{address}}; root {{folder}}; } }
            """);
        var process = Process.Start(new ProcessStartInfo(program, ["-c", settings, "-p", folder]))!;
        return new NginxProcess(process, address);
    }

    public void Dispose()
    {
        using (var stop = Process.Start("kill", ["-TERM", $"{_process.Id}"]))
            stop.WaitForExit();
        _process.WaitForExit();
        _process.Dispose();
    }
}
