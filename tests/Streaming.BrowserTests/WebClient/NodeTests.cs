using System.ComponentModel;
using System.Text.RegularExpressions;
using Xunit;

namespace Streaming.BrowserTests.WebClient;

/// <summary>The client's own tests, as <c>npm test</c> runs them: parser, backoff, session, watchdog, types, size.</summary>
public sealed partial class NodeTests(WebClientPackage package) : IClassFixture<WebClientPackage>
{
    static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    [GeneratedRegex(@"^# (pass|fail|skipped) (\d+)", RegexOptions.Multiline)]
    private static partial Regex TotalPattern();

    [Fact]
    public async Task Tests_of_the_client_pass()
    {
        var (exitCode, output) = await NodeAsync();
        var totals = TotalPattern().Matches(output).ToDictionary(match => match.Groups[1].Value, match => int.Parse(match.Groups[2].ValueSpan));

        Assert.True(exitCode == 0, output);
        Assert.InRange(totals["pass"], 50, int.MaxValue);
        Assert.Equal(0, totals["fail"]);
        Assert.SkipWhen(totals["skipped"] > 0, package.Fault ?? output);
    }

    async Task<(int ExitCode, string Output)> NodeAsync()
    {
        try
        {
            var (exitCode, output, faults) = await package.RunAsync("node", ["--test", "--test-reporter=tap"], Patience);
            return (exitCode, output + faults);
        }
        catch (Win32Exception)
        {
            Assert.Fail("There is no node on the PATH: install Node.js 20 or newer.");
            throw;
        }
    }
}
