using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;
using Npgsql;
using Streaming.Benchmarks.Service;
using Streaming.Tests.Images;

namespace Streaming.Benchmarks.Runs;

/// <summary>One photograph after the other through the upload queue, then an urgent one behind a queue of normal ones.</summary>
sealed class Uploads() : Benchmark("B13", $"upload of a photograph of {Width} x {Height} pixels and some 2 MB, to {EdgePixels} pixels, with a search for the quality",
    ">= 60 % smaller at SSIM >= 0.96 and quality >= 60; <= 1.0 s for WebP, <= 0.5 s for JPEG; urgent ahead of a full queue within 100 ms of a place")
{
    const int Width = 4032;
    const int Height = 2268;
    const int EdgePixels = 1600;
    const int NormalUploads = 20;

    // With these the made photograph has some 2 MB, as the cameras of phones write them, and its similarity at WebP quality 80 is among
    // those of photographs (0.961 to 0.983).
    const double SensorNoise = 2.5;
    const double Detail = 0.4;
    const string Encoder = ".jpg[Q=93]";

    sealed record Made(double Milliseconds, JsonElement State)
    {
        public double Number(string field) => State.GetProperty(field).GetDouble();
    }

    public override bool Meets(Figures figures) =>
        figures["ms to WebP"] <= 1000 && figures["ms to JPEG"] <= 500 && figures["ratio of WebP"] <= 0.4 && figures["ratio of JPEG"] <= 0.4
        && figures["SSIM at least"] >= 0.96 && figures["quality at least"] >= 60 && figures["ms urgent waits"] <= 100;

    public override string Shown(Figures figures) =>
        $"{Figures.Text(figures["ms to WebP"])} ms to WebP, {Figures.Text(figures["ms to JPEG"])} ms to JPEG; {Figures.Text(100 * (1 - figures["ratio of WebP"]))} % and "
        + $"{Figures.Text(100 * (1 - figures["ratio of JPEG"]))} % smaller at SSIM >= {figures["SSIM at least"]:0.000}, quality >= {Figures.Text(figures["quality at least"])}; "
        + $"urgent {Figures.Text(figures["ms urgent waits"])} ms";

    public override async Task<Figures> RunAsync(TimeSpan measured, CancellationToken cancellation)
    {
        if (!TestImages.CanMake)
            throw new BenchmarkException("B13 needs vips (libvips-tools).");
        var photo = await TestImages.PhotoAsync(Width, Height, Encoder, SensorNoise, Detail);
        await using var database = await DatabaseProcess.StartAsync(cancellation);
        await using var service = await ServiceProcess.StartAsync(new ServiceSetup(database), cancellation);
        // What the best quality gives; a number of bytes below it has to be searched for.
        var (webpMax, jpegMax) = (await AimAsync("webp"), await AimAsync("jpeg"));
        List<Made> webp = [], jpeg = [];
        for (var started = Stopwatch.GetTimestamp(); webp.Count == 0 || Stopwatch.GetElapsedTime(started) < measured;)
        {
            webp.Add(await UploadAsync(service, photo, $"?format=webp&maxEdge={EdgePixels}&maxBytes={webpMax}", cancellation));
            jpeg.Add(await UploadAsync(service, photo, $"?format=jpeg&maxEdge={EdgePixels}&maxBytes={jpegMax}", cancellation));
        }

        var all = webp.Concat(jpeg).ToList();
        return new Figures
        {
            { "MB of the photograph", photo.Length / 1e6 },
            { "ms to WebP", Median(webp.Select(made => made.Milliseconds)) },
            { "ms to JPEG", Median(jpeg.Select(made => made.Milliseconds)) },
            { "encodes of WebP", Median(webp.Select(made => made.Number("encodes"))) },
            { "encodes of JPEG", Median(jpeg.Select(made => made.Number("encodes"))) },
            { "ratio of WebP", webp.Max(made => made.Number("compressionRatio")) },
            { "ratio of JPEG", jpeg.Max(made => made.Number("compressionRatio")) },
            { "SSIM at least", all.Min(made => made.Number("ssim")) },
            { "quality at least", all.Min(made => made.Number("quality")) },
            { "width at least", all.Min(made => made.Number("width")) },
            { "ms urgent waits", await UrgentAsync(service, database, photo, cancellation) },
        };

        async Task<int> AimAsync(string format) =>
            (int)(0.8 * (await UploadAsync(service, photo, $"?format={format}&maxEdge={EdgePixels}", cancellation)).Number("compressedSize"));
    }

    /// <summary>From the request to the news of the end.</summary>
    static async Task<Made> UploadAsync(ServiceProcess service, byte[] photo, string query, CancellationToken cancellation)
    {
        var started = Stopwatch.GetTimestamp();
        var state = await PostAsync(service, photo, query, cancellation);
        while (state.GetProperty("status").GetString() is "queued" or "streaming")
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"/api/uploads/{state.GetProperty("id").GetString()}?after={state.GetProperty("lastEventId").GetString()}");
            request.Headers.Add("Prefer", "wait=25");
            using var response = await service.Client.SendAsync(request, cancellation);
            state = await response.Content.ReadFromJsonAsync<JsonElement>(cancellation);
        }

        return state.GetProperty("status").GetString() == "completed"
            ? new Made(Stopwatch.GetElapsedTime(started).TotalMilliseconds, state)
            : throw new BenchmarkException($"An upload has not completed: {state}");
    }

    static async Task<JsonElement> PostAsync(ServiceProcess service, byte[] photo, string query, CancellationToken cancellation)
    {
        using var content = new ByteArrayContent(photo);
        using var response = await service.Client.PostAsync($"/api/v1/uploads{query}", content, cancellation);
        return response.IsSuccessStatusCode
            ? await response.Content.ReadFromJsonAsync<JsonElement>(cancellation)
            : throw new BenchmarkException($"An upload was answered {(int)response.StatusCode}: {await response.Content.ReadAsStringAsync(cancellation)}");
    }

    /// <summary>Milliseconds from the first place that becomes free until an urgent upload has it, behind a full queue.</summary>
    static async Task<double> UrgentAsync(ServiceProcess service, DatabaseProcess database, byte[] photo, CancellationToken cancellation)
    {
        for (var i = 0; i < NormalUploads; i++)
            await PostAsync(service, photo, "?priority=normal", cancellation);
        var urgent = await UploadAsync(service, photo, "?priority=urgent", cancellation);
        await using var connection = new NpgsqlConnection(database.ConnectionString);
        await connection.OpenAsync(cancellation);
        await using var command = new NpgsqlCommand("""
            select extract(epoch from u.started_at - greatest(u.created_at, min(t.ended_at)))::float8 * 1000
            from transforms as u, transforms as t
            where u.session_id = $1 and t.kind = 'upload' and t.id <> u.id and t.ended_at > u.created_at
            group by u.started_at, u.created_at
            """, connection)
        {
            Parameters = { new NpgsqlParameter<Guid> { TypedValue = urgent.State.GetProperty("id").GetGuid() } },
        };
        await using var row = await command.ExecuteReaderAsync(cancellation);
        if (!await row.ReadAsync(cancellation))
            throw new BenchmarkException("No upload ended while the urgent one waited: the queue was not full.");
        return Math.Max(0, row.GetDouble(0));
    }

    static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        return sorted[sorted.Count / 2];
    }
}
