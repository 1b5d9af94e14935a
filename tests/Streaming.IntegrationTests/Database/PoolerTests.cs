using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Npgsql;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.IntegrationTests.Database;

/// <summary>Behind PgBouncer in transaction mode, with a direct connection for LISTEN alone.</summary>
public sealed class PoolerTests(PostgresServer postgres)
{
    [Fact]
    public async Task Service_behind_a_pooler_in_transaction_mode_streams_and_hears_other_writers()
    {
        var program = new[] { "/usr/sbin/pgbouncer", "/usr/bin/pgbouncer", "/usr/local/bin/pgbouncer" }.FirstOrDefault(File.Exists);
        Assert.SkipWhen(program is null, "pgbouncer is not installed");
        await using var direct = await ServiceHost.StartAsync(postgres);
        using var directory = new TemporaryDirectory();
        var (process, pooled) = await StartAsync(program!, directory.Path, new NpgsqlConnectionStringBuilder(direct.ConnectionString));
        try
        {
            // Only LISTEN goes past the pooler. Nothing else works through this host's own connection.
            await using var host = await ServiceHost.StartAsync(postgres, [new("ConnectionStrings:StreamingListener", direct.ConnectionString)], pooled);
            var made = await host.Client.IdeateAsync(ideaCount: 2);
            var events = await host.Client.ReadStreamAsync($"/api/stream/ideation/{made.Id()}");
            Assert.Equal(("end", "completed"), (events[^1].Type, events[^1].Data.Status()));

            var relay = await host.Client.RelayAsync();
            using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(20));
            await using var open = host.Client.StreamAsync($"/api/stream/relay/{relay.Id()}", "1-0", deadline.Token).GetAsyncEnumerator();
            await direct.Client.PostJsonAsync($"/api/relays/{relay.Id()}/messages", new { type = "chunk", text = "heard" }, HttpStatusCode.OK);
            Assert.True(await open.MoveNextAsync());
            Assert.Equal("heard", open.Current.Text);
        }
        finally
        {
            process.Kill();
            await process.WaitForExitAsync();
            process.Dispose();
        }
    }

    /// <summary>Two server connections for everybody, another one for each transaction.</summary>
    static async Task<(Process Process, string ConnectionString)> StartAsync(string program, string folder, NpgsqlConnectionStringBuilder server)
    {
        int port;
        using (var listener = new TcpListener(IPAddress.Loopback, 0))
        {
            listener.Start();
            port = ((IPEndPoint)listener.LocalEndpoint).Port;
        }

        var settings = Path.Combine(folder, "pgbouncer.ini");
        await File.WriteAllTextAsync(settings,
            $"""
            [databases]
            {server.Database} = host={server.Host} port={server.Port} user={server.Username} password={server.Password}
            [pgbouncer]
            listen_addr = 127.0.0.1
            listen_port = {port}
            unix_socket_dir =
            auth_type = any
            pool_mode = transaction
            default_pool_size = 2
            """);
        // It refuses to run as root.
        var arguments = Environment.IsPrivilegedProcess ? new[] { "-q", "-u", "nobody", settings } : ["-q", settings];
        var process = Process.Start(new ProcessStartInfo(program, arguments))!;
        var connectionString = new NpgsqlConnectionStringBuilder
        {
            Host = "127.0.0.1", Port = port, Database = server.Database, Username = server.Username, MaxAutoPrepare = 0,
        }.ConnectionString;
        await Eventually.TrueAsync(async () =>
        {
            try
            {
                await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false }.ConnectionString);
                await connection.OpenAsync();
                return true;
            }
            catch (NpgsqlException)
            {
                return false;
            }
        }, "the pooler answers");
        return (process, connectionString);
    }
}
