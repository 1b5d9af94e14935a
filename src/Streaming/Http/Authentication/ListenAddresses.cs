using System.Net;
using System.Net.Sockets;

namespace Streaming.Http.Authentication;

/// <summary>Which addresses and host names only this machine can mean.</summary>
public static class ListenAddresses
{
    /// <summary>Configured addresses that other machines may reach.</summary>
    public static IEnumerable<string> Remote(IConfiguration configuration)
    {
        var urls = configuration["urls"]?.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];
        var endpoints = configuration.GetSection("Kestrel:Endpoints").GetChildren().Select(endpoint => endpoint["Url"]).OfType<string>();
        // A port alone is every address; urls win over it (ASP.NET Core, "Configure endpoints").
        var ports = urls.Length > 0 ? [] : ((string[])["http_ports", "https_ports"])
            .SelectMany(name => configuration[name]?.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [])
            .Select(port => $"*:{port}");
        return urls.Concat(endpoints).Where(url => !IsLoopbackUrl(url)).Concat(ports);
    }

    /// <summary>Whether an address that the server is about to bind is out of reach for other machines.</summary>
    public static bool IsLocal(EndPoint endpoint) => endpoint switch
    {
        IPEndPoint ip => IPAddress.IsLoopback(ip.Address),
        UnixDomainSocketEndPoint => true,
        _ => false,
    };

    /// <summary><c>localhost</c>, a name below it (RFC 6761, 6.3), or an address of the loopback interface.</summary>
    public static bool IsLoopbackHost(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        || host.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));

    static bool IsLoopbackUrl(string url)
    {
        try
        {
            var address = BindingAddress.Parse(url);
            // The server binds "localhost" itself to loopback, and any other name to every address.
            return address.IsUnixPipe || address.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
                || (IPAddress.TryParse(address.Host.Trim('[', ']'), out var ip) && IPAddress.IsLoopback(ip));
        }
        catch (FormatException)
        {
            return false;
        }
    }
}
