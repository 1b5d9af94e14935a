using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;

namespace Streaming.Benchmarks.Micro;

/// <summary>The parts of the way of a message, each alone: time and bytes allocated.</summary>
static class MicroCommand
{
    public const string Name = "micro";

    /// <summary>Arguments are those of BenchmarkDotNet, such as <c>--filter *Window*</c>; without any, all of them.</summary>
    public static Task<int> RunAsync(string[] args, CancellationToken cancellation)
    {
        // In this process: it is built for release already, and some machines have no feed to build another from.
        var config = ManualConfig.Create(DefaultConfig.Instance).AddJob(Job.ShortRun.WithToolchain(InProcessEmitToolchain.Instance))
            .WithArtifactsPath(Path.Combine(Path.GetTempPath(), "streaming-micro")).WithOptions(ConfigOptions.JoinSummary);
        BenchmarkSwitcher.FromAssembly(typeof(MicroCommand).Assembly).Run(args.Length > 0 ? args : ["--filter", "*"], config);
        return Task.FromResult(0);
    }
}
