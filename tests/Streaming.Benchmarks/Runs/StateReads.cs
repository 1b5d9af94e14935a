using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using Streaming.Benchmarks.Service;

namespace Streaming.Benchmarks.Runs;

/// <summary>The unified GET beside the statements that it is made of, each alone on one connection, one after the other.</summary>
sealed class StateReads() : Benchmark("B8", $"unified GET of a state of {Chunks:#,0} chunks, and with a matching ETag, beside pgbench",
    "<= 1.5 times the bare statement; 304 <= 1.3 times a look-up by primary key, over HTTP too")
{
    const int Chunks = 2000;
    const int Rounds = 5;

    public override bool Meets(Figures figures) => figures["times the statement"] <= 1.5 && figures["304: times the look-up"] <= 1.3;

    public override string Shown(Figures figures) =>
        $"{Figures.Text(figures["ms for the state"])} ms, {Figures.Text(figures["times the statement"])} times; 304 {Figures.Text(figures["ms for a 304"])} ms, {Figures.Text(figures["304: times the look-up"])} times";

    public override async Task<Figures> RunAsync(TimeSpan measured, CancellationToken cancellation)
    {
        await using var database = await DatabaseProcess.StartAsync(cancellation);
        await using var service = await ServiceProcess.StartAsync(new ServiceSetup(database), cancellation);
        var relay = await service.RelayAsync(Chunks, cancellation);
        var path = $"/api/relays/{relay}";
        var part = measured / 8;
        var etag = await GetAsync(service, path, null, TimeSpan.FromSeconds(2), cancellation);
        _ = await GetAsync(service, path, etag.ETag, TimeSpan.FromSeconds(2), cancellation);
        var size = (await service.Client.GetByteArrayAsync(path, cancellation)).Length;
        // The machine is another from second to second: each is asked for in turn, several times, and a ratio is one of neighbours.
        var rounds = new List<Figures>();
        for (var i = 0; i < Rounds; i++)
            rounds.Add(await RoundAsync(database, service, relay, etag.ETag, size, part, cancellation));
        return Figures.Medians(rounds);
    }

    static async Task<Figures> RoundAsync(
        DatabaseProcess database, ServiceProcess service, string relay, EntityTagHeaderValue? etag, int size, TimeSpan part, CancellationToken cancellation)
    {
        var (path, stolen) = ($"/api/relays/{relay}", StolenTime.Start());
        var bytes = await GetAsync(service, $"{ServedProgram.BytesPath}/{size}", null, part, cancellation);
        var state = await GetAsync(service, path, null, part, cancellation);
        var statement = await Pgbench.MillisecondsAsync(database, Pgbench.ReadState(relay), part, cancellation);
        var unchanged = await GetAsync(service, path, etag, part, cancellation);
        var lookUp = await GetAsync(service, $"{ServedProgram.LookUpPath}/{relay}", null, part, cancellation);
        var versionStatement = await Pgbench.MillisecondsAsync(database, Pgbench.ReadVersion(relay), TimeSpan.FromSeconds(1), cancellation);
        var lookUpStatement = await Pgbench.MillisecondsAsync(database, Pgbench.LookUp(relay), TimeSpan.FromSeconds(1), cancellation);
        return new Figures
        {
            { "ms for the state", state.Milliseconds },
            { "ms for the statement", statement },
            { "times the statement", state.Milliseconds / statement },
            { "KiB of the state", size / 1024.0 },
            { "ms for as many bytes", bytes.Milliseconds },
            { "ms for a 304", unchanged.Milliseconds },
            { "ms for a look-up", lookUp.Milliseconds },
            { "ms for the statement of a 304", versionStatement },
            { "ms for the statement of a look-up", lookUpStatement },
            { "304: times the look-up", unchanged.Milliseconds / lookUp.Milliseconds },
            { StolenTime.Figure, stolen.Cores },
        };
    }

    static async Task<(double Milliseconds, EntityTagHeaderValue? ETag)> GetAsync(
        ServiceProcess service, string path, EntityTagHeaderValue? known, TimeSpan time, CancellationToken cancellation)
    {
        var (count, started, etag) = (0, Stopwatch.GetTimestamp(), known);
        // Not an array of the body's length for each: whoever asks next would wait while they are collected.
        var buffer = new byte[64 * 1024];
        for (; Stopwatch.GetElapsedTime(started) < time; count++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path);
            if (known is not null)
                request.Headers.IfNoneMatch.Add(known);
            using var response = await service.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
            await using (var body = await response.Content.ReadAsStreamAsync(cancellation))
                while (await body.ReadAsync(buffer, cancellation) > 0)
                {
                }

            if (response.StatusCode != (known is null ? HttpStatusCode.OK : HttpStatusCode.NotModified))
                throw new BenchmarkException($"GET {path} answered {(int)response.StatusCode}");
            etag = response.Headers.ETag;
        }

        return (Stopwatch.GetElapsedTime(started).TotalMilliseconds / count, etag);
    }
}
