using System.Diagnostics;
using Streaming.IntegrationTests.Fixtures;

namespace Streaming.FaultTests.Rigs;

/// <summary>What an operator's machine does to a process without killing it: a frozen container, a suspended laptop.</summary>
public static class Signals
{
    /// <summary>SIGSTOP: not one instruction more until <see cref="ContinueAsync"/>.</summary>
    public static Task FreezeAsync(this ServiceProcess process) => SendAsync("-STOP", process.Id);

    /// <summary>SIGCONT.</summary>
    public static Task ContinueAsync(this ServiceProcess process) => SendAsync("-CONT", process.Id);

    static async Task SendAsync(string signal, int id)
    {
        using var kill = Process.Start("kill", [signal, $"{id}"]);
        await kill.WaitForExitAsync();
    }
}
