namespace Streaming.Database.Embedded;

/// <summary>
/// The command that runs the server in such a way that it ends with the service, even after kill -9.
/// On Linux the kernel sends SIGINT, a fast shutdown, when the thread that started it dies. Elsewhere a shell waits for
/// the end of its input, which is a pipe from the service: <see cref="ServerProcess"/> must keep it open.
/// </summary>
sealed record ServerLaunch(Command Command, bool HoldInputOpen)
{
    const string EndWithInput =
        """
        exec 3<&0
        "$@" </dev/null 3<&- & server=$!
        (read line <&3; kill -INT $server) & watcher=$!
        wait $server; code=$?
        kill $watcher 2>/dev/null
        exit $code
        """;

    public static async Task<ServerLaunch> CreateAsync(
        EmbeddedPostgresOptions options, ServerFolders folders, ServerUser user, PostgresBinaries binaries,
        string socketFolder, CancellationToken cancellation)
    {
        string[] server = [binaries.Postgres, .. Arguments(options, folders, socketFolder)];
        if (OperatingSystem.IsLinux()
            && ProgramSearch.Find("setsid") is { } setsid
            && ProgramSearch.Find("setpriv") is { } setpriv
            && await KnowsDeathSignalAsync(setpriv, cancellation))
        {
            // A session of its own, so that Ctrl+C in a terminal reaches only the service, which stops the server.
            return new ServerLaunch(user.As(setsid, [setpriv, "--pdeathsig", "INT", .. server]), HoldInputOpen: false);
        }

        return new ServerLaunch(user.As("/bin/sh", ["-c", EndWithInput, "sh", .. server]), HoldInputOpen: true);
    }

    /// <summary>That of BusyBox does not.</summary>
    static async Task<bool> KnowsDeathSignalAsync(string setpriv, CancellationToken cancellation)
    {
        var probe = new Command(setpriv, "--pdeathsig", "INT", "/bin/sh", "-c", ":");
        return (await probe.RunAsync(cancellation)).Succeeded;
    }

    static List<string> Arguments(EmbeddedPostgresOptions options, ServerFolders folders, string socketFolder)
    {
        Dictionary<string, string> settings = new()
        {
            ["listen_addresses"] = "",
            ["unix_socket_directories"] = socketFolder,
            ["unix_socket_permissions"] = "0700",
            ["max_connections"] = $"{options.ConnectionsMax}",
            ["shared_buffers"] = "128MB",
            // PostgreSQL's defaults, which initdb reckons from the size of a segment: smaller ones would be smaller, and checkpoints more.
            ["min_wal_size"] = "80MB",
            ["max_wal_size"] = "1GB",
            ["timezone"] = "UTC",
            ["log_timezone"] = "UTC",
            // ServerProcess reads the log: it must come to stderr, in English, each line beginning with its level.
            ["log_destination"] = "stderr",
            ["logging_collector"] = "off",
            ["log_line_prefix"] = "",
            ["log_min_messages"] = "warning",
            ["lc_messages"] = "C",
        };
        if (!options.Durable)
        {
            settings["fsync"] = "off";
            settings["synchronous_commit"] = "off";
            settings["full_page_writes"] = "off";
        }

        return
        [
            "-D", folders.Data, "-p", $"{ServerFolders.Port}",
            .. settings.SelectMany(setting => new[] { "-c", $"{setting.Key}={setting.Value}" }),
        ];
    }
}
