using System.Diagnostics;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.IntegrationTests.Http;

/// <summary>What the service says and does as a process when it must not start.</summary>
public sealed class ListenAddressTests(PostgresServer postgres)
{
    static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    [Theory]
    [InlineData("--urls=http://0.0.0.0:0", "Auth:AllowRemote")]
    [InlineData("--urls=http://[::]:0", "Auth:AllowRemote")]
    [InlineData("--urls=http://*:0", "Auth:AllowRemote")]
    [InlineData("--http_ports=0", "Auth:AllowRemote")]
    [InlineData("--Kestrel:Endpoints:Http:Url=http://0.0.0.0:0", "Auth:AllowRemote")]
    [InlineData("--Auth:Mode=jwt", "Auth:Issuer")]
    [InlineData("--Auth:Mode=off", "'none' or 'jwt'")]
    [InlineData("--Streaming:Role=database", "all, api or worker")]
    [InlineData("--Streaming:Role=api", "needs ConnectionStrings:Streaming")]
    [InlineData("--Streaming:Role=worker", "needs ConnectionStrings:Streaming")]
    public async Task Start_is_refused_with_the_reason_and_exit_code_1(string option, string reason)
    {
        using var directory = new TemporaryDirectory();
        using var process = Process.Start(new ProcessStartInfo("dotnet", [
            Path.Combine(AppContext.BaseDirectory, "Streaming.dll"), $"--Streaming:DataDirectory={directory.Path}", option])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        try
        {
            await process.WaitForExitAsync().WaitAsync(Deadline);
        }
        finally
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
        }

        Assert.Equal(1, process.ExitCode);
        Assert.Contains("The service cannot start: ", await errors, StringComparison.Ordinal);
        Assert.Contains(reason, await errors, StringComparison.Ordinal);
        Assert.DoesNotContain("Streaming is ready", await output, StringComparison.Ordinal);
        // Refused before anything else was begun.
        Assert.Empty(Directory.EnumerateFileSystemEntries(directory.Path));
    }

    [Fact]
    public async Task Address_that_no_option_names_is_refused_when_it_is_bound()
    {
        var listening = 0;
        await Assert.ThrowsAnyAsync<Exception>(() => ServiceHost.StartAsync(postgres, services: services =>
        {
            services.Configure<KestrelServerOptions>(kestrel => kestrel.ListenAnyIP(0));
            services.Configure<KestrelServerOptions>(_ => listening++);
        }));
        Assert.Equal(0, listening);
    }
}
