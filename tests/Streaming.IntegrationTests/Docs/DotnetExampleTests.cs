using System.Runtime.CompilerServices;
using Streaming.IntegrationTests.Fixtures;
using Streaming.Protocol;
using Streaming.Tests.Docs;
using Xunit;
using StreamingClient = Streaming.Client.StreamingClient;

namespace Streaming.IntegrationTests.Docs;

/// <summary>The README's .NET example is the code below, which is compiled and run.</summary>
public sealed class DotnetExampleTests(ServiceFixture service) : IClassFixture<ServiceFixture>
{
    [Fact]
    public async Task Example_of_the_readme_prints_the_text_as_it_is_written()
    {
        var address = service.Host.Address.ToString();
        await using var Console = new StringWriter();
        // The example begins.
        var client = new StreamingClient(new HttpClient { BaseAddress = new Uri(address) });
        var ideation = await client.IdeateAsync(new IdeationRequest("A lighthouse keeper who collects storms", null, null, null, IdeaCount: 2));
        await foreach (var message in client.ReadStreamAsync("ideation", ideation.Id))
            Console.Write(message.Text);
        // It ends.

        Assert.StartsWith("{", Console.ToString(), StringComparison.Ordinal);
        Assert.Equal((await service.Host.Client.ReadStreamAsync(ideation.StreamUrl)).TextOf(), Console.ToString());
        Assert.Equal(InReadme(), InSource());
    }

    static string[] InReadme() => Lines(Assert.Single(MarkdownFile.Read("README.md").Blocks, block => block.Language == "csharp").Text.Replace("\"http://127.0.0.1:5080\"", "address", StringComparison.Ordinal));

    static string[] InSource([CallerFilePath] string file = "") =>
        Lines(File.ReadAllText(file).ReplaceLineEndings("\n").Split("// The example begins.\n")[1].Split("// It ends.")[0]);

    static string[] Lines(string code) => [.. code.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)];
}
