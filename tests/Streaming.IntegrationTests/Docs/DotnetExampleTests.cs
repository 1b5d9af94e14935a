using System.Runtime.CompilerServices;
using System.Text;
using Streaming.IntegrationTests.Fixtures;
using Streaming.Protocol;
using Streaming.Tests.Docs;
using Xunit;
using StreamingClient = Streaming.Client.StreamingClient;

namespace Streaming.IntegrationTests.Docs;

/// <summary>The README's .NET examples are the code below, which is compiled and run.</summary>
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

    [Fact]
    public async Task Example_of_a_manuscript_prints_how_far_it_is()
    {
        var client = new StreamingClient(service.Host.Client);
        await using var Console = new StringWriter();
        await using var text = new MemoryStream(Encoding.UTF8.GetBytes(Manuscripts.Text(100_000)));
        var File = new OneFile(text);
        // The second example begins.
        await using var manuscript = File.OpenRead("novel.txt");
        var file = await client.UploadFileAsync(manuscript, "novel.txt");
        var outline = await client.OutlineAsync(new OutlineRequest(null, null, null, TotalEpisodes: 12, null, FileId: file.Id));
        await foreach (var message in client.ReadStreamAsync("outline", outline.Id))
            if (message.Type == "progress")
                Console.WriteLine(message.Data.GetProperty("label"));
        // It ends.

        Assert.Contains("Read 0.1 of 0.1 MB", Console.ToString(), StringComparison.Ordinal);
        Assert.Equal(Lines(Examples()[1].Text), InSource("second "));
    }

    sealed class OneFile(Stream content)
    {
        public Stream OpenRead(string name) => name == "novel.txt" ? content : throw new FileNotFoundException(name);
    }

    static string[] InReadme() => Lines(Examples()[0].Text.Replace("\"http://127.0.0.1:5080\"", "address", StringComparison.Ordinal));

    static CodeBlock[] Examples() => [.. MarkdownFile.Read("README.md").Blocks.Where(block => block.Language == "csharp")];

    static string[] InSource(string which = "", [CallerFilePath] string file = "") =>
        Lines(System.IO.File.ReadAllText(file).ReplaceLineEndings("\n").Split($"// The {which}example begins.\n")[1].Split("// It ends.")[0]);

    static string[] Lines(string code) => [.. code.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)];
}
