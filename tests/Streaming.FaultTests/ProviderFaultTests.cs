using System.Text;
using System.Text.Json;
using Streaming.FaultTests.Proof;
using Streaming.FaultTests.Rigs;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.FaultTests;

/// <summary>One provider answers some requests well and others as no provider should, all at the same time.</summary>
public sealed class ProviderFaultTests(PostgresServer postgres)
{
    const string OneIdea = """{"ideas":[{"title":"One","body":"First"}]}""";

    /// <summary>What a provider sends that never stops: 100 MB.</summary>
    const int EndlessDeltas = 6400;
    static readonly byte[] EndlessDelta = Line(new string('x', 16 * 1024));

    static readonly TimeSpan TokenTimeout = TimeSpan.FromSeconds(2);

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>A way to answer, and the code of the error that comes of it; null if the generation succeeds all the same.</summary>
    sealed record Behaviour(string Name, Func<Script> Answer, string? Code);

    static readonly Behaviour[] Bad =
    [
        new("stalls before its first token", () => Script.Begin().Stall(), "provider_timeout"),
        new("stalls in the middle", () => Script.Begin().Deltas("""{"ideas":[{"title":"On""").Stall(), "provider_timeout"),
        new("sends one byte at a time", () => Script.Bare().InPieces(1).Deltas(OneIdea).Finish("stop").Done(), null),
        new("sends 100 MB", Endless, "provider_output_too_long"),
        new("sends invalid UTF-8", () => Script.Begin().Raw(InvalidUtf8()).Finish("stop").Done(), null),
        new("sends half surrogate pairs", () => Script.Begin()
            .Deltas("{\"ideas\":[{\"title\":\"One\",\"body\":\"a").DeltaAsWritten("\\ud83d").DeltaAsWritten("b\\ude42").Deltas("\"}]}").Finish("stop").Done(), null),
        new("sends NULs", () => Script.Begin()
            .Deltas("{\"ideas\":[{\"title\":\"One\",\"body\":\"a").DeltaAsWritten("\\u0000\\u0000").Deltas("b\"}]}").Finish("stop").Done(), null),
        new("ends without an end", () => Script.Begin().Deltas("""{"ideas":[{"title":"One","bo"""), "provider_incomplete"),
    ];

    [Fact]
    public async Task Bad_answers_end_as_documented_and_disturb_no_good_one()
    {
        var (healthy, bad, rounds) = Faults.Pick((32, 2, 1), (64, 4, 5));
        Faults.Random();
        var database = await Rig.DatabaseAsync(postgres, Cancellation);
        await using var model = await ScriptedOpenAIServer.StartAsync(Cancellation);
        model.Responder = request => Bad.FirstOrDefault(behaviour => request.Body.Contains($"it {behaviour.Name}.", StringComparison.Ordinal))?.Answer() ?? Healthy();
        await using var host = await ServiceHost.StartAsync(postgres, Rig.Settings([
            "Models:Provider=openai", $"Models:OpenAI:Endpoint={model.Endpoint}", "Models:OpenAI:Model=scripted", "Models:OpenAI:ApiKey=key",
            // The circuit breaker is the provider's, and has tests of its own: most of its answers are good here.
            "Models:BreakerRequestsMin=10000", "Models:RetryBaseDelay=00:00:00.05", "Models:RetriesMax=1", $"Models:TokenTimeout={TokenTimeout}",
            "Transforms:Concurrency=256"]), database);
        // Connections to the provider stay in the pool for a minute after their use: both ends, for the provider is in this process.
        await RunAsync(host, Enumerable.Range(0, healthy + bad * Bad.Length).Select(number => $"warm-up {number}"), []);
        var before = await Aftermath.BeforeAsync(host);

        var account = new Account();
        for (var round = 0; round < rounds; round++)
        {
            var (readers, slowest) = await RunAsync(host, Enumerable.Range(0, healthy).Select(number => $"healthy {number}"), Bad.SelectMany(each => Enumerable.Repeat(each, bad)));
            Faults.Say($"slowest of {healthy} good generations: {slowest.TotalSeconds:F1} s");
            // Some 2 s of tokens; what the others do to the provider's time limit does not count.
            Assert.True(slowest < TimeSpan.FromSeconds(10), $"a good generation took {slowest}");
            account.Add(await Ledger.CompareAsync(database, readers, Cancellation));
        }

        Report.Write($"provider: {string.Join(", ", Bad.Select(each => each.Name))}", rounds * bad * Bad.Length, account);
        account.AssertComplete();
        await before.AssertAsync();
    }

    /// <summary>Runs all at once; returns their readers and the longest time that a good one took.</summary>
    static async Task<(List<ResumingReader> Readers, TimeSpan Slowest)> RunAsync(ServiceHost host, IEnumerable<string> healthy, IEnumerable<Behaviour> bad)
    {
        using var client = Rig.Client(host.Address);
        var good = await Task.WhenAll(healthy.Select(name => client.IdeateAsync($"A model that is {name}.", ideaCount: 1)));
        var asked = await Task.WhenAll(bad.Select(async each => (Behaviour: each, State: await client.IdeateAsync($"A model of which they say that it {each.Name}.", ideaCount: 1))));
        var readers = good.Concat(asked.Select(each => each.State)).Select((state, number) => new ResumingReader(client, "ideation", state.Id(), Faults.Random(number + 1))).ToList();
        await Task.WhenAll(readers.Select(reader => reader.RunAsync(Cancellation))).WaitAsync(TimeSpan.FromSeconds(60), Cancellation);

        var slowest = TimeSpan.Zero;
        foreach (var made in good)
        {
            var state = await client.StateAsync($"/api/ideations/{made.Id()}");
            Assert.Equal("completed", state.Status());
            var took = state.GetProperty("updatedAt").GetDateTimeOffset() - state.GetProperty("createdAt").GetDateTimeOffset();
            slowest = took > slowest ? took : slowest;
        }

        foreach (var (behaviour, made) in asked)
        {
            var state = await client.StateAsync($"/api/ideations/{made.Id()}");
            var code = state.TryGetProperty("error", out var error) && error.ValueKind == JsonValueKind.Object ? error.GetProperty("code").GetString() : null;
            Assert.True((behaviour.Code, behaviour.Code is null ? "completed" : "failed") == (code, state.Status()),
                $"a model that {behaviour.Name}: {state.Status()}, {code}; expected {behaviour.Code ?? "completed"}");
        }

        return (readers, slowest);
    }

    static Script Healthy()
    {
        var script = Script.Begin();
        foreach (var piece in OneIdea.Chunk(4))
            script.Deltas(new string(piece)).Pace(TimeSpan.FromMilliseconds(100));
        return script.Finish("stop").Done();
    }

    static Script Endless()
    {
        var script = Script.Begin();
        for (var i = 0; i < EndlessDeltas; i++)
            script.Raw(EndlessDelta);
        return script;
    }

    /// <summary>A chunk of the provider's protocol with this text, which is written as JSON.</summary>
    static byte[] Line(string text) => Encoding.ASCII.GetBytes(
        "data: {\"id\":\"1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":"
        + JsonSerializer.Serialize(text) + "},\"finish_reason\":null}]}\n\n");

    /// <summary>An idea whose body has bytes that are no UTF-8.</summary>
    static byte[] InvalidUtf8()
    {
        var line = Line(OneIdea.Replace("First", "Fi##st", StringComparison.Ordinal));
        for (var i = 0; i < line.Length; i++)
            if (line[i] == '#')
                line[i] = 0xC3;
        return line;
    }
}
