using Xunit;

namespace Streaming.BrowserTests;

/// <summary>The README's <c>EventSource</c> example, word for word, in a real browser.</summary>
public sealed class ReadmeExampleTests(PacedService service, Chromium browser) : IClassFixture<PacedService>
{
    [Fact]
    public async Task Example_of_the_readme_prints_the_ideas_and_closes_at_the_end()
    {
        await using var watched = await browser.OpenAsync(service.Host.Address);
        await watched.Page.GotoAsync("/");
        // Around the example: what it prints is kept, and its own `source` is watched until it has closed it.
        var seen = await watched.Page.EvaluateAsync<string[]>($$"""
            async () => {
              const printed = [];
              const console = { log: (...words) => printed.push(words.map((word) => typeof word === "string" ? word : JSON.stringify(word)).join(" ")) };
            {{Example()}}
              await new Promise((resolve) => source.addEventListener("message", (event) => {
                if (JSON.parse(event.data).type === "end") resolve();
              }));
              return [...printed, `readyState ${source.readyState}`];
            }
            """).WaitAsync(TimeSpan.FromSeconds(60));

        Assert.Equal("readyState 2", seen[^1]);
        Assert.Equal(5, seen.Count(line => line.StartsWith("finished: {", StringComparison.Ordinal)));
        Assert.Contains(seen, line => line.StartsWith("ideas ", StringComparison.Ordinal));
        watched.AssertNoErrors();
    }

    static string Example()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Streaming.sln")))
            folder = folder.Parent!;
        var text = File.ReadAllText(Path.Combine(folder.FullName, "README.md")).ReplaceLineEndings("\n");
        return text.Split("<!-- test: eventsource -->\n```js\n")[1].Split("```")[0];
    }
}
