using System.IO.Compression;
using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.IntegrationTests.Http;

/// <summary>A logo from the request to its files, by the offline generator and by models that mean harm.</summary>
public sealed class LogoTests(PostgresServer postgres)
{
    const string Circle = "<circle cx='256' cy='256' r='90' fill='#224466'/>";
    static readonly object Asked = new { brandName = "Harbor & Pine", description = "Boats, built by hand.", style = "calm", colors = new[] { "#1d3557", "orange" } };
    static readonly string[] StageNames = ["brief", "mood_board", "concept_choice", "drawing", "refinement", "variations", "guidelines", "package"];

    [Fact]
    public async Task Logo_is_drawn_before_ones_eyes_and_every_file_can_be_downloaded_alone_and_in_a_zip()
    {
        await using var host = await ServiceHost.StartAsync(postgres, [new("Messages:ProgressInterval", "00:00:00")]);
        var client = host.Client;
        var made = await client.PostJsonAsync("/api/logos", Asked);
        var events = await client.ReadStreamAsync($"/api/stream/logo/{made.Id()}");
        var state = await client.StateAsync($"/api/logos/{made.Id()}");

        Assert.Equal("completed", state.Status());
        Assert.Equal(StageNames, events.Where(e => e.Type == "stage_complete").Select(e => e.Data.GetProperty("stage").GetString()));
        Assert.Equal(3, state.GetProperty("concepts").EnumerateArray().Select(concept => concept.GetProperty("title").GetString()).Distinct().Count());
        var assets = state.GetProperty("assets").EnumerateArray().ToList();
        Assert.Equal(["logo.svg", "logo-monochrome.svg", "logo-reversed.svg", "logo-icon.svg", "guidelines.html",
            "logo.png", "logo-monochrome.png", "logo-reversed.png", "logo-icon.png"], assets.Select(asset => asset.GetProperty("name").GetString()));
        Assert.True(JsonElement.DeepEquals(state.GetProperty("assets"), events.Single(e => e.Type == "result").Data.GetProperty("assets")));

        var previews = events.Where(e => e.Type == "preview").Select(e => e.Data).ToList();
        foreach (var stage in (string[])["drawing", "refinement"])
            Assert.True(previews.Count(preview => preview.GetProperty("stage").GetString() == stage) > 3, $"{stage} is shown while it is drawn");
        Assert.All(previews, preview => Assert.Equal(preview.GetProperty("contentType").GetString() != "image/png", preview.TryGetProperty("data", out _)));

        var listed = (await client.StateAsync($"/api/logos/{made.Id()}/artifacts")).GetProperty("items").EnumerateArray().ToDictionary(item => item.GetProperty("artifactId").GetString()!);
        Assert.Equal(1 + 3 + 1 + 1 + assets.Count, listed.Count);
        foreach (var asset in assets)
        {
            using var response = await client.GetAsync(asset.GetProperty("url").GetString());
            var content = await response.Content.ReadAsByteArrayAsync();
            Assert.Equal(asset.GetProperty("bytes").GetInt32(), content.Length);
            Assert.Equal(asset.GetProperty("contentType").GetString(), response.Content.Headers.ContentType!.MediaType);
            Assert.Equal(listed[asset.GetProperty("artifactId").GetString()!].GetProperty("sha256").GetString(), Convert.ToHexStringLower(SHA256.HashData(content)));
            Assert.Equal("attachment", response.Content.Headers.ContentDisposition!.DispositionType);
            Assert.Equal(asset.GetProperty("name").GetString(), response.Content.Headers.ContentDisposition.FileName);
            Assert.Equal("nosniff", Assert.Single(response.Headers.GetValues("X-Content-Type-Options")));
            Assert.Equal("default-src 'none'; style-src 'unsafe-inline'; sandbox", Assert.Single(response.Headers.GetValues("Content-Security-Policy")));
            if (asset.GetProperty("contentType").GetString() == "image/png")
                Assert.Equal((1024, 1024), (asset.GetProperty("width").GetInt32(), asset.GetProperty("height").GetInt32()));
        }

        await using var zip = new ZipArchive(new MemoryStream(await client.GetByteArrayAsync($"/api/logos/{made.Id()}/artifacts.zip")));
        Assert.Equal(listed.Values.Select(item => item.GetProperty("name").GetString()).Order(), zip.Entries.Select(entry => entry.FullName).Order());
        foreach (var entry in zip.Entries)
        {
            await using var file = await entry.OpenAsync(TestContext.Current.CancellationToken);
            var item = listed.Values.Single(item => item.GetProperty("name").GetString() == entry.FullName);
            if (item.TryGetProperty("sha256", out var hash))
                Assert.Equal(hash.GetString(), Convert.ToHexStringLower(await SHA256.HashDataAsync(file)));
        }
    }

    [Fact]
    public async Task Logo_goes_on_after_a_restart_with_the_stages_that_were_complete()
    {
        await using var first = await ServiceHost.StartAsync(postgres, [new("Models:Offline:TokensPerSecond", "1500")]);
        var id = (await first.Client.PostJsonAsync("/api/logos", Asked)).Id();
        await Eventually.TrueAsync(async () => (await first.Client.StateAsync($"/api/logos/{id}")).GetProperty("concepts").GetArrayLength() >= 2, "two concepts are there");
        await first.StopAsync();
        await using var second = await ServiceHost.StartAsync(postgres, connectionString: first.ConnectionString);
        var state = await second.Client.EndedAsync($"/api/logos/{id}");
        var events = await second.Client.ReadStreamAsync($"/api/stream/logo/{id}");

        Assert.Equal("completed", state.Status());
        Assert.Equal(StageNames, events.Where(e => e.Type == "stage_complete").Select(e => e.Data.GetProperty("stage").GetString()));
        Assert.Equal(3, events.Count(e => e.Type == "artifact" && e.Data.GetProperty("artifactType").GetString() == "concept"));
        Assert.Contains(events, e => e.Type == "info" && e.Data.GetProperty("code").GetString() == "restarted");
        Assert.Equal(9, state.GetProperty("assets").GetArrayLength());
    }

    [Fact]
    public async Task Without_a_rasterizer_there_is_no_png_and_a_warning_says_what_to_install()
    {
        await using var host = await ServiceHost.StartAsync(postgres, [new("Logos:Rasterizer", "no-such-program")]);
        var id = (await host.Client.PostJsonAsync("/api/logos", Asked)).Id();
        var events = await host.Client.ReadStreamAsync($"/api/stream/logo/{id}");
        var state = await host.Client.StateAsync($"/api/logos/{id}");

        Assert.Equal("completed", state.Status());
        Assert.Equal(5, state.GetProperty("assets").GetArrayLength());
        var warning = Assert.Single(events, e => e.Type == "warning").Data;
        Assert.Equal("rasterizer_missing", warning.GetProperty("code").GetString());
        Assert.Contains("librsvg2-bin", warning.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rasterizer_that_takes_too_long_is_killed_and_the_logo_completes_with_a_warning_for_each_png()
    {
        await using var host = await ServiceHost.StartAsync(postgres, [new("Logos:RasterizerTimeout", "00:00:00.001")]);
        var id = (await host.Client.PostJsonAsync("/api/logos", Asked)).Id();
        var state = await host.Client.EndedAsync($"/api/logos/{id}");
        var events = await host.Client.ReadStreamAsync($"/api/stream/logo/{id}");

        Assert.Equal(("completed", 5), (state.Status(), state.GetProperty("assets").GetArrayLength()));
        Assert.Equal(4, events.Count(e => e.Type == "warning" && e.Data.GetProperty("code").GetString() == "rasterizer_failed"));
    }

    [Fact]
    public async Task Hostile_svg_of_a_model_is_stored_and_shown_without_what_harms()
    {
        await using var host = await ScriptedHost.StartAsync(postgres);
        var elements = new[] { "<script>alert('evil')</script>", "<image href='https://evil.example/a.png'/>", $"<g onload='evil()'>{Circle}</g>", "<a href='javascript:evil()'/>" };
        Script(host, elements, elements, elements);
        var id = (await host.Client.PostJsonAsync("/api/logos", Asked)).Id();
        var state = await host.Client.EndedAsync($"/api/logos/{id}");
        var events = await host.Client.ReadStreamAsync($"/api/stream/logo/{id}");

        Assert.Equal("completed", state.Status());
        // Text is the model's own words, and shown as such; what is shown as a picture is not.
        Assert.All(events.Where(e => e.Type != "chunk"), e => Assert.DoesNotContain("evil", e.Data.GetRawText(), StringComparison.Ordinal));
        foreach (var asset in state.GetProperty("assets").EnumerateArray())
            Assert.DoesNotContain("evil", await host.Client.GetStringAsync(asset.GetProperty("url").GetString()), StringComparison.Ordinal);
        Assert.Contains("r=\"90\"", await host.Client.GetStringAsync(state.GetProperty("assets")[0].GetProperty("url").GetString()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Svg_that_cannot_be_used_twice_fails_the_run_and_what_was_made_before_can_be_downloaded()
    {
        await using var host = await ScriptedHost.StartAsync(postgres);
        string[] broken = [Circle, "</svg><script>alert(1)</script>"];
        Script(host, [Circle], broken, broken);
        var id = (await host.Client.PostJsonAsync("/api/logos", Asked)).Id();
        var state = await host.Client.EndedAsync($"/api/logos/{id}");
        var events = await host.Client.ReadStreamAsync($"/api/stream/logo/{id}");

        Assert.Equal("failed", state.Status());
        Assert.Equal(("invalid_output", "drawing"), (state.GetProperty("error").GetProperty("code").GetString(), state.GetProperty("error").GetProperty("stage").GetString()));
        Assert.Contains(events, e => e.Type == "warning" && e.Data.GetProperty("message").GetString()!.Contains("well-formed", StringComparison.Ordinal));
        Assert.Equal(3, state.GetProperty("concepts").GetArrayLength());
        Assert.Equal(HttpStatusCode.OK, (await host.Client.GetAsync(state.GetProperty("concepts")[0].GetProperty("url").GetString())).StatusCode);
    }

    [Theory]
    [InlineData("""{"description":"x"}""", "brandName")]
    [InlineData("""{"brandName":"x","description":" "}""", "description")]
    [InlineData("""{"brandName":"x","description":"y","colors":"red"}""", "colors")]
    [InlineData("""{"brandName":"x","description":"y","colors":["url(//evil)"]}""", "colors")]
    [InlineData("""{"brandName":"x","description":"y","style":7}""", "style")]
    public async Task Request_that_is_not_valid_is_refused_by_field(string body, string field)
    {
        await using var host = await ServiceHost.StartAsync(postgres);
        var problem = await host.Client.PostJsonAsync("/api/logos", JsonSerializer.Deserialize<JsonElement>(body), HttpStatusCode.BadRequest);
        Assert.Equal(field, Assert.Single(problem.GetProperty("errors").EnumerateObject()).Name);
    }

    /// <summary>All answers of a run: the sketches of the concepts, the drawing at its first try, and everything after.</summary>
    static void Script(ScriptedHost host, string[] sketch, string[] drawing, string[] later)
    {
        Enqueue(new { essence = "e", audience = "a", keywords = new[] { "k" } });
        Enqueue(new { concepts = new[] { "One", "Two", "Three" }.Select(title => new { title, idea = "i", palette = new[] { "#123456" }, elements = sketch }) });
        Enqueue(new { concept = 2, reason = "r" });
        Enqueue(new { elements = drawing });
        Enqueue(new { elements = later });
        Enqueue(new { variations = new[] { "monochrome", "reversed", "icon" }.Select(name => new { name, elements = later }) });
        Enqueue(new { sections = new[] { new { heading = "Use", text = "Well" } } });

        void Enqueue(object answer) => host.Model.Enqueue(Fixtures.Script.Answer(JsonSerializer.Serialize(answer)));
    }
}
