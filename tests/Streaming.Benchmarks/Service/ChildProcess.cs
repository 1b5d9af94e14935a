using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Streaming.Benchmarks.Service;

/// <summary>
/// This program once more, with another task and the service's runtime settings. It ends in good order when its input, a pipe
/// from here, is closed, be it by <c>kill -9</c>; disposing it does that.
/// </summary>
sealed class ChildProcess : IAsyncDisposable
{
    public const string InlineCompletions = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS";
    public const string SocketThreads = "DOTNET_SYSTEM_NET_SOCKETS_THREAD_COUNT";

    const int OutputLinesMax = 40;
    static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(20);

    readonly Process _process;
    readonly Queue<string> _output = new();
    readonly TaskCompletionSource<string?> _firstLine = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Starts it.</summary>
    /// <param name="arguments">The task, and its arguments.</param>
    public ChildProcess(params IEnumerable<string> arguments) : this(null, arguments)
    {
    }

    /// <summary>The same with a heap of so many bytes at most; null: as large as the machine allows.</summary>
    public ChildProcess(long? heapBytesMax, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(Dotnet,
        [
            "exec", "--runtimeconfig", Beside("Streaming.runtimeconfig.json"), "--depsfile", Beside("Streaming.Benchmarks.deps.json"),
            Beside("Streaming.Benchmarks.dll"), .. arguments,
        ])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Remove(InlineCompletions);
        start.Environment.Remove(SocketThreads);
        if (heapBytesMax is { } bytes)
            start.Environment["DOTNET_GCHeapHardLimit"] = $"{bytes:X}";
        start.Environment["DOTNET_ENVIRONMENT"] = start.Environment["ASPNETCORE_ENVIRONMENT"] = "Production";
        _process = Process.Start(start)!;
        _process.OutputDataReceived += (_, line) => Keep(line.Data);
        _process.ErrorDataReceived += (_, line) => Keep(line.Data);
        _process.Exited += (_, _) => _firstLine.TrySetResult(null);
        _process.EnableRaisingEvents = true;
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>The program that runs this one.</summary>
    public static string Dotnet { get; } = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../../dotnet"));

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>What it says first; null if it ends without a word.</summary>
    public Task<string?> FirstLine => _firstLine.Task;

    void Keep(string? line)
    {
        if (line is null)
            return;
        _firstLine.TrySetResult(line);
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

    /// <summary>SIGKILL: no handler runs.</summary>
    public Task KillAsync()
    {
        _process.Kill();
        return _process.WaitForExitAsync(CancellationToken.None);
    }

    static string Beside(string file) => Path.Combine(AppContext.BaseDirectory, file);

    /// <summary>Tells it to stop and waits until it has.</summary>
    public async Task StopAsync()
    {
        _process.StandardInput.Close();
        using var patience = new CancellationTokenSource(StopPatience);
        try
        {
            await _process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine($"A process did not stop within {StopPatience}: killed.");
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync(CancellationToken.None);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            await StopAsync();
        _process.Dispose();
    }
}
