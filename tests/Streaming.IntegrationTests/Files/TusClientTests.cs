using System.Diagnostics;
using System.Net;
using System.Text.Json;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.IntegrationTests.Files;

/// <summary>Clients of others upload here, and their server answers the same requests as ours.</summary>
public sealed class TusClientTests(ServiceFixture service, TusClientTests.Packages packages) : IClassFixture<ServiceFixture>, IClassFixture<TusClientTests.Packages>
{
    const int MiB = 1024 * 1024;

    // Debian's own: another one on the PATH does not know its packages.
    const string Python = "/usr/bin/python3";

    static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <summary>tus-js-client and @tus/server in a folder of their own; without npm or a network there are none.</summary>
    public sealed class Packages : IAsyncLifetime
    {
        public TemporaryDirectory Folder { get; } = new();

        public string? Fault { get; private set; }

        public async ValueTask InitializeAsync()
        {
            foreach (var file in Directory.EnumerateFiles(Path.Combine(AppContext.BaseDirectory, "Files", "Tus")))
                File.Copy(file, Path.Combine(Folder.Path, Path.GetFileName(file)));
            try
            {
                var (exitCode, output) = await RunAsync(Folder.Path, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund");
                Fault = exitCode == 0 ? null : $"npm ci failed: {output}";
            }
            catch (System.ComponentModel.Win32Exception fault)
            {
                Fault = $"npm ci failed: {fault.Message}";
            }
        }

        public ValueTask DisposeAsync()
        {
            Folder.Dispose();
            return ValueTask.CompletedTask;
        }
    }

    [Theory]
    [InlineData(0, 1000, 0, "")]
    [InlineData(3 * MiB + 7, 100 * MiB, 0, "")]
    [InlineData(3 * MiB + 7, 256 * 1024, 0, "with")]
    [InlineData(24 * MiB, 100 * MiB, 5, "")]
    public async Task Tus_js_client_uploads_through_cuts(int size, int chunkSize, int cuts, string how)
    {
        Assert.SkipWhen(packages.Fault is not null, packages.Fault ?? "");
        await using var proxy = new CuttableProxy(service.Host.Address) { Delay = cuts > 0 ? TimeSpan.FromMilliseconds(1) : TimeSpan.Zero };
        var (bytes, file) = Write("js.bin", size);
        var uploading = RunAsync(packages.Folder.Path, "node", "upload.mjs", $"{proxy.Address}api/files", file, $"{chunkSize}", how);
        var start = BytesOnDisk();
        for (var cut = 1; cut <= cuts; cut++)
        {
            var enough = start + (long)size * cut / (cuts + 1);
            await Eventually.TrueAsync(() => Task.FromResult(BytesOnDisk() >= enough || uploading.IsCompleted), "bytes arrive");
            proxy.Cut();
        }

        var (exitCode, output) = await uploading;
        Assert.True(exitCode == 0, output);
        var result = JsonSerializer.Deserialize<JsonElement>(output);
        Assert.InRange(result.GetProperty("retries").GetInt32(), cuts, 4 * cuts);
        var url = result.GetProperty("url").GetString()!;
        Assert.Equal(bytes, await service.Host.Client.GetByteArrayAsync($"{url}/content"));
        var state = await service.Host.Client.StateAsync(url);
        Assert.Equal(("js.bin", size == 0 ? "text/plain" : "application/octet-stream"), (state.GetProperty("name").GetString(), state.GetProperty("file").GetProperty("contentType").GetString()));
    }

    [Fact]
    public async Task Tus_js_client_terminates()
    {
        Assert.SkipWhen(packages.Fault is not null, packages.Fault ?? "");
        var (_, file) = Write("gone.bin", 1000);
        var (exitCode, output) = await RunAsync(packages.Folder.Path, "node", "upload.mjs", $"{service.Host.Address}api/files", file, "1000", "terminate");
        Assert.True(exitCode == 0, output);
        using var gone = await service.Host.Client.GetAsync(JsonSerializer.Deserialize<JsonElement>(output).GetProperty("url").GetString());
        Assert.Equal(HttpStatusCode.NotFound, gone.StatusCode);
    }

    [Fact]
    public async Task Tuspy_uploads_and_goes_on_after_a_restart()
    {
        var (known, _) = File.Exists(Python) ? await RunAsync(packages.Folder.Path, Python, "-c", "import tusclient") : (1, "");
        Assert.SkipWhen(known != 0, "There is no tuspy (Debian: python3-tuspy).");
        var (bytes, file) = Write("py.bin", 2 * MiB + 3);
        var (exitCode, output) = await RunAsync(packages.Folder.Path, Python, "upload.py", $"{service.Host.Address}api/files", file, $"{300_000}");
        Assert.True(exitCode == 0, output);
        Assert.Equal(bytes, await service.Host.Client.GetByteArrayAsync($"{output.Trim()}/content"));
    }

    /// <summary>Where the two differ on purpose, with what the reference answers.</summary>
    static readonly Dictionary<string, string> Deliberate = new()
    {
        // The specification asks for 415.
        ["patch of another type"] = "400 1.0.0 offset  length  metadata ",
        // Nothing is forbidden here: the request is not valid.
        ["patch without a place"] = "403 1.0.0 offset  length  metadata ",
    };

    [Fact]
    public async Task Reference_server_answers_the_same_requests_alike()
    {
        Assert.SkipWhen(packages.Fault is not null, packages.Fault ?? "");
        var folder = Directory.CreateDirectory(Path.Combine(packages.Folder.Path, "reference")).FullName;
        using var process = Process.Start(new ProcessStartInfo("node", ["reference.mjs", folder, $"{2L * 1024 * MiB}"])
        {
            WorkingDirectory = packages.Folder.Path, RedirectStandardInput = true, RedirectStandardOutput = true,
        })!;
        using var reference = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken)}") };
        try
        {
            var (theirs, ours) = (await AnswersAsync(reference), await AnswersAsync(service.Host.Client));
            var differences = ours.Keys.Where(name => ours[name] != theirs[name] && !Deliberate.ContainsKey(name)).Select(name => $"{name}\n  ours:   {ours[name]}\n  theirs: {theirs[name]}");
            Assert.Empty(differences);
            Assert.All(Deliberate, item => Assert.Equal(item.Value, theirs[item.Key]));
        }
        finally
        {
            process.StandardInput.Close();
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Status and the headers of the protocol, of a sequence of requests.</summary>
    static async Task<Dictionary<string, string>> AnswersAsync(HttpClient client)
    {
        var answers = new Dictionary<string, string>();
        using var options = await client.SendAsync(new HttpRequestMessage(HttpMethod.Options, "/api/files"));
        answers["options"] = $"{(int)options.StatusCode} {options.Header("Tus-Version")} {options.Header("Tus-Resumable")} {options.Header("Tus-Max-Size")}";
        var path = new Uri(client.BaseAddress!, await CreateAsync("create", ("Upload-Length", "10"), ("Upload-Metadata", "filename YS5iaW4="))).AbsolutePath;
        await CreateAsync("create without version", ("Tus-Resumable", ""), ("Upload-Length", "10"));
        await CreateAsync("create without length");
        await CreateAsync("create with a length that is none", ("Upload-Length", "ten"));
        await CreateAsync("create too large", ("Upload-Length", "99999999999"));
        await CreateAsync("create empty", ("Upload-Length", "0"));
        await SendAsync("head", HttpMethod.Head, path, null);
        await SendAsync("head without version", HttpMethod.Head, path, null, ("Tus-Resumable", ""));
        await SendAsync("patch first half", HttpMethod.Patch, path, [1, 2, 3, 4, 5], ("Upload-Offset", "0"));
        await SendAsync("patch at the wrong place", HttpMethod.Patch, path, [1, 2], ("Upload-Offset", "3"));
        await SendAsync("patch without a place", HttpMethod.Patch, path, [1, 2]);
        await SendAsync("patch of another type", HttpMethod.Patch, path, [1, 2], ("Upload-Offset", "5"), ("Content-Type", "text/plain"));
        await SendAsync("patch too much", HttpMethod.Patch, path, new byte[6], ("Upload-Offset", "5"));
        await SendAsync("head in the middle", HttpMethod.Head, path, null);
        await SendAsync("patch second half", HttpMethod.Patch, path, [6, 7, 8, 9, 10], ("Upload-Offset", "5"));
        await SendAsync("head when complete", HttpMethod.Head, path, null);
        await SendAsync("delete", HttpMethod.Delete, path, null);
        await SendAsync("head when deleted", HttpMethod.Head, path, null);
        await SendAsync("patch when deleted", HttpMethod.Patch, path, [1], ("Upload-Offset", "0"));
        await SendAsync("delete when deleted", HttpMethod.Delete, path, null);
        return answers;

        async Task<string> CreateAsync(string name, params (string Name, string Value)[] headers)
        {
            using var response = await client.SendAsync(TusRequests.Request(HttpMethod.Post, "/api/files", null, headers));
            answers[name] = Describe(response) + (response.Headers.Location is null ? "" : " with a location");
            return response.Headers.Location?.ToString() ?? "";
        }

        async Task SendAsync(string name, HttpMethod method, string path, byte[]? body, params (string Name, string Value)[] headers)
        {
            using var content = body is null ? null : new ByteArrayContent(body);
            if (headers.FirstOrDefault(header => header.Name == "Content-Type") is { Value: { } type })
                content!.Headers.ContentType = new(type);
            using var response = await client.SendAsync(TusRequests.Request(method, path, content, [.. headers.Where(header => header.Name != "Content-Type")]));
            answers[name] = Describe(response);
        }

        static string Describe(HttpResponseMessage response) =>
            $"{(int)response.StatusCode} {response.Header("Tus-Resumable")} offset {response.Header("Upload-Offset")} length {response.Header("Upload-Length")} metadata {response.Header("Upload-Metadata")}";
    }

    long BytesOnDisk() => Directory.EnumerateFiles(service.Host.Files, "*", SearchOption.AllDirectories).Sum(file => new FileInfo(file).Length);

    (byte[] Bytes, string File) Write(string name, int size)
    {
        var (bytes, file) = (TusRequests.Bytes(size), Path.Combine(packages.Folder.Path, name));
        File.WriteAllBytes(file, bytes);
        return (bytes, file);
    }

    static async Task<(int ExitCode, string Output)> RunAsync(string folder, string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true })!;
        var output = Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        try
        {
            await process.WaitForExitAsync().WaitAsync(Patience);
        }
        catch (TimeoutException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }

        return (process.ExitCode, string.Concat(await output));
    }
}
