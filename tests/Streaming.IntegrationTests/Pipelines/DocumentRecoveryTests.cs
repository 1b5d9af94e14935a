using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Npgsql;
using Streaming.Files;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.IntegrationTests.Pipelines;

/// <summary>A document goes on at its last finished passage: after kills, lost leases and faults of the model; and in bounded memory.</summary>
public sealed partial class DocumentRecoveryTests(PostgresServer postgres)
{
    const string Premise = """{"title":"T","genre":"G","sellingPoints":"P","setting":"S","synopsis":"Y"}""";
    const string Lists = """{"characters":[{"name":"Ada","role":"lead","description":"d"}],"stages":[{"title":"Rise","episodes":"1-6","summary":"s"}]}""";
    const int Passages = 30;
    const int Characters = Passages * 20_000;

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [GeneratedRegex(@"""passage"":(\d+)")]
    private static partial Regex PassageNumber { get; }

    [Fact]
    public async Task Killed_in_the_middle_of_a_document_it_goes_on_behind_the_last_finished_passage()
    {
        const int Kills = 3;
        using var files = new TemporaryDirectory();
        await using var model = await ScriptedOpenAIServer.StartAsync(Cancellation);
        var database = await ServiceHost.StartAsync(postgres);
        await database.StopAsync();
        var port = ServiceProcess.FreePort();
        // It answers so many, and lets the others wait.
        var answered = 0;
        var allowed = 5;
        model.Responder = request => IsSummary(request) && Interlocked.Increment(ref answered) > Volatile.Read(ref allowed) ? Script.Begin().Stall() : Answer(request);
        var service = await StartAsync();
        try
        {
            var file = await service.Client.UploadAsync(Encoding.UTF8.GetBytes(Manuscripts.Text(Characters)), "novel.txt");
            var made = await service.Client.PostJsonAsync("/api/outlines", new { fileId = file.Split('/')[^1] });
            var finished = new HashSet<string>();
            for (var kill = 1; kill <= Kills; kill++)
            {
                await Eventually.TrueAsync(async () => await SummariesAsync(service.Client, made.Id()) == 5 * kill, $"{5 * kill} passages are summarised");
                // Who is stored by now must not be asked for again.
                var asked = model.Requests.Count;
                await service.KillAsync();
                await service.DisposeAsync();
                Volatile.Write(ref answered, 0);
                Volatile.Write(ref allowed, kill == Kills ? int.MaxValue : 5);
                service = await StartAsync();
                await Eventually.TrueAsync(() => Task.FromResult(model.Requests.Count > asked), "it goes on");
            }

            var state = await service.Client.EndedAsync($"/api/outlines/{made.Id()}");
            Assert.Equal("completed", state.Status());
            var events = await service.Client.ReadStreamAsync($"/api/stream/outline/{made.Id()}", cancellation: Cancellation);
            var summaries = events.Where(e => e.Type == "artifact" && e.Data.GetProperty("artifactType").GetString() == "summary").Select(e => e.Data.GetProperty("data"))
                .Where(data => data.GetProperty("round").GetInt32() == 0).Select(data => data.GetProperty("from").GetInt64()).ToList();
            // Each passage has one summary, and nobody asked for one that was there: only what was under way at a kill is asked for twice.
            Assert.Equal(summaries.Distinct(), summaries);
            var requests = model.Requests.Where(IsSummary).GroupBy(Passage).ToDictionary(group => group.Key, group => group.Count());
            Assert.Equal(summaries.Count, requests.Count);
            Assert.InRange(requests.Values.Sum() - requests.Count, 0, 4 * Kills);
            Assert.Equal(Kills, events.Count(e => e.Type == "info"));
            var told = events.Where(e => e.Type == "progress").Select(e => e.Data.GetProperty("progress").GetDouble()).ToList();
            Assert.Equal(told.Order(), told);
        }
        finally
        {
            await service.DisposeAsync();
            await database.DisposeAsync();
        }

        Task<ServiceProcess> StartAsync() => ServiceProcess.StartOnAsync(database.ConnectionString, port, $"--Files:Directory={files.Path}",
            "--Models:Provider=openai", $"--Models:OpenAI:Endpoint={model.Endpoint}", "--Models:OpenAI:ApiKey=key", "--Models:OpenAI:Model=scripted",
            "--Transforms:LeaseSeconds=3", "--Transforms:PollInterval=00:00:00.2", "--Transforms:AttemptsMax=10");
    }

    [Fact]
    public async Task Worker_that_lost_its_lease_stores_no_summary()
    {
        await using var host = await ScriptedHost.StartAsync(postgres, [new("Transforms:LeaseSeconds", "6"), new("Transforms:PollInterval", "00:00:00.2")]);
        var gate = new TaskCompletionSource();
        var first = 0;
        host.Model.Responder = request => IsSummary(request) && Interlocked.Increment(ref first) <= 4
            ? Script.Begin().Gate(gate.Task).Deltas("""{"summary":"Of a worker that is gone."}""").Finish("stop").Done()
            : Answer(request);
        var file = await host.Client.UploadAsync(Encoding.UTF8.GetBytes(Manuscripts.Text(Characters)), "novel.txt");
        var made = await host.Client.PostJsonAsync("/api/outlines", new { fileId = file.Split('/')[^1] });
        await Eventually.TrueAsync(() => Task.FromResult(Volatile.Read(ref first) == 4), "four passages are under way");
        await using (var connection = new NpgsqlConnection(host.Host.ConnectionString))
        {
            await connection.OpenAsync(Cancellation);
            await using var command = new NpgsqlCommand(
                "update transforms set attempt = attempt + 1, lease_owner = 'elsewhere', lease_expires_at = clock_timestamp() - interval '1 second' where kind = 'outline'", connection);
            Assert.Equal(1, await command.ExecuteNonQueryAsync(Cancellation));
        }

        await Eventually.TrueAsync(() => Task.FromResult(Volatile.Read(ref first) > 4), "the next attempt asks");
        gate.SetResult();
        var state = await host.Client.EndedAsync($"/api/outlines/{made.Id()}");
        Assert.Equal("completed", state.Status());
        Assert.DoesNotContain("gone", state.GetProperty("summary").GetString(), StringComparison.Ordinal);
        var froms = (await host.Client.ReadStreamAsync($"/api/stream/outline/{made.Id()}", cancellation: Cancellation))
            .Where(e => e.Type == "artifact" && e.Data.GetProperty("artifactType").GetString() == "summary").Select(e => (e.Data.GetProperty("data").GetProperty("round").GetInt32(), e.Data.GetProperty("data").GetProperty("from").GetInt64())).ToList();
        Assert.Equal(froms.Distinct(), froms);
    }

    [Fact]
    public async Task Fault_of_the_model_at_one_passage_is_tried_again_and_one_that_stays_keeps_the_others()
    {
        await using var host = await ScriptedHost.StartAsync(postgres, [new("Models:BreakerRequestsMin", "1000")]);
        var (faults, broken) = (0, true);
        host.Model.Responder = request => Passage(request) switch
        {
            3 when Interlocked.Increment(ref faults) == 1 => Script.Failure(503),
            3 when faults == 2 => Script.Answer("I would rather not."),
            9 when Volatile.Read(ref broken) => Script.Failure(503),
            _ => Answer(request),
        };
        var file = await host.Client.UploadAsync(Encoding.UTF8.GetBytes(Manuscripts.Text(Characters)), "novel.txt");
        var made = await host.Client.PostJsonAsync("/api/outlines", new { fileId = file.Split('/')[^1] });
        var failed = await host.Client.EndedAsync($"/api/outlines/{made.Id()}");
        Assert.Equal(("failed", "provider_unavailable"), (failed.Status(), failed.GetProperty("error").GetProperty("code").GetString()));
        Assert.Equal("reading", failed.GetProperty("error").GetProperty("stage").GetString());
        var warnings = (await host.Client.ReadStreamAsync($"/api/stream/outline/{made.Id()}", cancellation: Cancellation)).Where(e => e.Type == "warning")
            .Select(e => e.Data.GetProperty("code").GetString()).ToList();
        Assert.Equal(1, warnings.Count(code => code == "invalid_output"));
        Assert.Equal(1 + 3, warnings.Count(code => code == "provider_unavailable"));

        Volatile.Write(ref broken, false);
        // Those behind it went on while it was tried again.
        var stored = await SummariesAsync(host.Client, made.Id());
        Assert.InRange(stored, 8, Passages * 2);
        var before = host.Model.Requests.Count;
        await host.Client.PostJsonAsync($"/api/outlines/{made.Id()}/retry", null);
        var state = await host.Client.EndedAsync($"/api/outlines/{made.Id()}");
        Assert.Equal("completed", state.Status());
        var again = host.Model.Requests.Skip(before).Where(IsSummary).Select(Passage).ToList();
        Assert.Contains(9, again);
        // The third may have been given up with the ninth, before its last answer; none is asked for that was answered.
        Assert.DoesNotContain(again, passage => passage < 9 && passage != 3);
        Assert.Equal(host.Model.Requests.Where(IsSummary).Select(Passage).Distinct().Count(), stored + again.Count);
    }

    [Fact]
    public async Task Manuscript_of_24_MB_is_condensed_with_a_heap_of_120_MB()
    {
        using var files = new TemporaryDirectory();
        var database = await ServiceHost.StartAsync(postgres);
        await database.StopAsync();
        await using (var service = await ServiceProcess.StartSmallAsync(database.ConnectionString, 120_000_000, $"--Files:Directory={files.Path}", "--Models:Offline:TokensPerSecond=0"))
        {
            var made = await service.Client.PostJsonAsync("/api/outlines", new { fileId = (await service.Client.UploadAsync(Encoding.UTF8.GetBytes(Manuscripts.Text(24_000_000)), "novel.txt")).Split('/')[^1] });
            JsonElement state = default;
            await Eventually.TrueAsync(async () => (state = await service.Client.StateAsync($"/api/outlines/{made.Id()}")).Status() is "completed" or "failed", "the outline is made", TimeSpan.FromSeconds(180));
            Assert.Equal("completed", state.Status());
            Assert.InRange(state.GetProperty("summary").GetString()!.Length, 1, 12_000);
            var peak = File.ReadLines($"/proc/{service.Id}/status").First(line => line.StartsWith("VmHWM:", StringComparison.Ordinal));
            TestContext.Current.TestOutputHelper?.WriteLine(peak);
        }

        await database.DisposeAsync();
    }

    [Fact]
    public async Task Stream_of_a_document_holds_less_than_a_megabyte_of_buffers()
    {
        await using var host = await ServiceHost.StartAsync(postgres);
        var held = 0L;
        using var listener = new MeterListener();
        var meter = host.Service<FileMetrics>().Meter;
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Meter == meter && instrument.Name == "streaming.files.memory.held")
                self.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((_, bytes, tags, _) =>
        {
            if (tags.ToArray().Any(tag => tag.Value is "document"))
                held = Math.Max(held, bytes);
        });
        listener.Start();
        var file = await host.Client.UploadAsync(Encoding.UTF8.GetBytes(Manuscripts.Text(3_000_000)), "novel.txt");
        var made = await host.Client.PostJsonAsync("/api/outlines", new { fileId = file.Split('/')[^1] });
        Assert.Equal("completed", (await host.Client.EndedAsync($"/api/outlines/{made.Id()}")).Status());
        Assert.InRange(held, 1, 1_048_576);
    }

    static bool IsSummary(RequestInfo request) => request.Prompt.Contains("\"task\":\"passage_summary\"", StringComparison.Ordinal);

    static int Passage(RequestInfo request) =>
        IsSummary(request) && PassageNumber.Match(request.Prompt) is { Success: true } match ? int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture) : 0;

    static Script Answer(RequestInfo request) =>
        IsSummary(request) ? Script.Answer("{\"summary\":\"", $"Passage {Passage(request)} in short. {new string('x', 900)}\"}}")
        : request.Prompt.Contains("summary_merge", StringComparison.Ordinal) ? Script.Answer("""{"summary":"All of it."}""")
        : request.Prompt.Contains("outline_premise", StringComparison.Ordinal) ? Script.Answer(Premise)
        : Script.Answer(Lists);

    static async Task<int> SummariesAsync(HttpClient client, string id) =>
        (await client.StateAsync($"/api/outlines/{id}/artifacts")).GetProperty("items").EnumerateArray().Count(item => item.GetProperty("type").GetString() == "summary");
}
