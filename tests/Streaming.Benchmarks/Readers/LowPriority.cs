using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Streaming.Benchmarks.Readers;

/// <summary>The kernel's priority of a thread, which the framework does not set on Linux.</summary>
static partial class LowPriority
{
    const int Process = 0, ThisThread = 0, Nice = 10;

    public static void OfThisThread()
    {
        if (SetPriority(Process, ThisThread, Nice) != 0)
            throw new Win32Exception(Marshal.GetLastPInvokeError());
    }

    [LibraryImport("libc", EntryPoint = "setpriority", SetLastError = true)]
    private static partial int SetPriority(int which, uint who, int priority);
}
