using System.Runtime.InteropServices;
using Streaming.Benchmarks;
using Streaming.Benchmarks.Estimates;
using Streaming.Benchmarks.Files;
using Streaming.Benchmarks.Growth;
using Streaming.Benchmarks.Micro;
using Streaming.Benchmarks.Reports;
using Streaming.Benchmarks.Runs;
using Streaming.Benchmarks.Service;
using Streaming.Benchmarks.Strategies;

if (args is [ServedProgram.Command, .. var served])
    return await ServedProgram.RunAsync(served);
if (args is [DatabaseProcess.Command, var folder])
    return await DatabaseProcess.RunAsync(folder);

// The readers share two cores with what they measure: one thread takes all their bytes, without a hop to the pool.
// Not for the service: with Npgsql in the process every request would hang.
Environment.SetEnvironmentVariable(ChildProcess.InlineCompletions, "1");
Environment.SetEnvironmentVariable(ChildProcess.SocketThreads, "1");

Dictionary<string, Func<string[], CancellationToken, Task<int>>> commands = new()
{
    [EstimatesCommand.Name] = EstimatesCommand.RunAsync,
    [FilesCommand.Name] = FilesCommand.RunAsync,
    [FileRecoveryCommand.Name] = FileRecoveryCommand.RunAsync,
    [StrategiesCommand.Name] = StrategiesCommand.RunAsync,
    [MicroCommand.Name] = MicroCommand.RunAsync,
    [GrowthCommand.Name] = GrowthCommand.RunAsync,
};
var options = args is [var name, ..] && commands.ContainsKey(name) ? null : BenchmarkOptions.Parse(args);
if (options is null && (args is not [var command, ..] || !commands.ContainsKey(command)))
    return 2;

using var stop = new CancellationTokenSource();
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
try
{
    if (options is null)
        return await commands[args[0]](args[1..], stop.Token);
    var rivals = options.Rivals is { } folderOfRivals ? new Rivals(folderOfRivals) : null;
    var results = await Suite.RunAsync(options, rivals, stop.Token);
    var report = await Report.CreateAsync(options, results, rivals, stop.Token);
    Console.WriteLine();
    Console.WriteLine(report.Figures);
    if (!results.TrueForAll(result => result.IsSound))
        return 1;
    await report.WriteAsync(options.Output, stop.Token);
    Console.WriteLine($"Written to {options.Output}");
    return 0;
}
catch (OperationCanceledException) when (stop.IsCancellationRequested)
{
    return 130;
}
catch (BenchmarkException fault)
{
    Console.Error.WriteLine(fault.Message);
    return 1;
}

void Stop(PosixSignalContext signal)
{
    signal.Cancel = true;
    stop.Cancel();
}
