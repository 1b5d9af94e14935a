using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Options;
using Streaming.Configuration;
using Streaming.Database;
using Streaming.Images;
using Streaming.Notifications;
using Streaming.Pipelines.Analysis;
using Streaming.Protocol;
using Streaming.Sessions;
using Streaming.Transforms;

namespace Streaming.Http;

/// <summary>
/// <c>POST /api/v1/stream/analyze</c>: a picture, as the body, as the file of a form, or by its upload; and what there is to know
/// of analyses besides: health, metrics, a self-test.
/// </summary>
public sealed partial class AnalysisRoutes(ImageReceiver receiver, AnalysisReader reader, IOptions<AnalysisOptions> options)
{
    const int FieldCharactersMax = 100;
    const int BudgetMsMin = 500;

    // Urgent ones are taken first; the numbers are those of the queue.
    static readonly string[] Priorities = ["standard", "ideal", "keyboard", "urgent"];

    static readonly JsonSerializerOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>What was asked for, before it is known to be valid.</summary>
    sealed record Asked(string? Context, string? Language, int? SuggestionCount, string? Priority, int? TimeBudgetMs, bool? Reuse);

    public static void Map(IEndpointRouteBuilder routes)
    {
        var kind = routes.ServiceProvider.GetRequiredService<AnalysisPipeline>();
        SessionRoutes.Map<AnalysisState>(routes, kind);
        foreach (var address in (string[])["/api/v1/stream/analyze", "/api/analyses"])
            routes.MapPost(address, (HttpContext http, AnalysisRoutes self, SessionRoutes sessions) => self.AnalyzeAsync(kind, http, sessions))
                .WithTags("analyses").WithSummary("Takes a picture, or an upload, and has it analysed")
                .Accepts<AnalysisRequest>("application/json", "image/*", "multipart/form-data", "*/*")
                .Produces<AnalysisState>(202).ProducesProblem(400).ProducesProblem(403).ProducesProblem(413).ProducesProblem(415).ProducesProblem(422)
                .ProducesProblem(429).ProducesProblem(503);
        var group = routes.MapGroup("/api/v1/stream").WithTags("analyses");
        group.MapGet("/status/{id}", (string id, HttpContext http, SessionRoutes sessions) => sessions.GetAsync(kind, id, http))
            .WithSummary("The whole current state of one analysis; the same as /api/analyses/{id}")
            .Produces<AnalysisState>().Produces(StatusCodes.Status304NotModified).ProducesProblem(400).ProducesProblem(404);
        group.MapDelete("/{id}", (string id, HttpContext http, SessionRoutes sessions) => sessions.CancelAsync(kind, id, http))
            .WithSummary("Cancels an analysis; what was made is kept").Produces<AnalysisState>(202).ProducesProblem(400).ProducesProblem(404).ProducesProblem(409);
        group.MapGet("/health", HealthAsync).WithSummary("Whether pictures can be analysed").Produces<AnalysisHealth>().Produces<AnalysisHealth>(503).AllowAnonymous();
        group.MapGet("/metrics", (HttpContext http, AnalysisRoutes self) => self.MetricsAsync(http))
            .WithSummary("How your newest analyses went").Produces<AnalysisMetrics>();
        group.MapPost("/test", (HttpContext http, AnalysisSelfTest test) => test.RunAsync(http))
            .WithSummary("Has a small picture analysed, and says what of it worked").Produces<SelfTestReport>().Produces<SelfTestReport>(503).ProducesProblem(429);
    }

    async Task<IResult> AnalyzeAsync(AnalysisPipeline kind, HttpContext http, SessionRoutes sessions)
    {
        if (http.Request.HasJsonContentType())
            return await AnalyzeUploadAsync(kind, http, sessions);
        var known = ((string[])["language", "suggestionCount", "priority", "timeBudgetMs", "reuse", "name"]).ToDictionary(field => field, _ => FieldCharactersMax);
        known["context"] = options.Value.ContextCharactersMax + 1;
        return await receiver.ReceiveAsync(http, known, received => AnalyzeImageAsync(kind, received, http, sessions));
    }

    async Task<IResult> AnalyzeUploadAsync(AnalysisPipeline kind, HttpContext http, SessionRoutes sessions)
    {
        var (body, problem) = await JsonBody.ReadAsync(http.Request, http.RequestAborted);
        if (body is null)
            return problem!;
        Guid? uploadId = null;
        if (body.Text("uploadId", FieldCharactersMax, isRequired: true) is { } text)
            uploadId = Guid.TryParse(text, out var id) ? id : null;
        var reuse = body.Property("reuse");
        if (reuse is { ValueKind: not (JsonValueKind.True or JsonValueKind.False) })
            body.Fail("reuse", "Must be true or false.");
        var asked = new Asked(body.Text("context", options.Value.ContextCharactersMax), body.Text("language", FieldCharactersMax),
            body.WholeNumber("suggestionCount", 1, AnalysisStrategy.SuggestionsMax), body.Text("priority", FieldCharactersMax),
            body.WholeNumber("timeBudgetMs", BudgetMsMin, BudgetMsMax), reuse is { ValueKind: JsonValueKind.False } ? false : null);
        foreach (var (field, message) in Faults(asked))
            body.Fail(field, message);
        var received = uploadId is { } upload ? await reader.FindUploadAsync(upload, http.Id(), http.RequestAborted) : null;
        // Another user's is as good as none.
        if (received is null && !body.Errors.ContainsKey("uploadId"))
            body.Fail("uploadId", "You have no such upload.");
        return body.Errors.Count > 0
            ? Problems.InvalidFields.Problem(errors: body.Errors)
            : await CreateAsync(kind, asked, JsonNode.Parse(received!.Value.GetRawText())!, uploadId, content: null, http, sessions);
    }

    async Task<IResult> AnalyzeImageAsync(AnalysisPipeline kind, ReceivedFile received, HttpContext http, SessionRoutes sessions)
    {
        var errors = new Dictionary<string, string[]>();
        var context = Value("context");
        if (context?.Length > options.Value.ContextCharactersMax)
            errors["context"] = [$"Must have {options.Value.ContextCharactersMax} characters at most."];
        bool? reuse = null;
        if (Value("reuse") is { } text)
            if (bool.TryParse(text, out var wanted))
                reuse = wanted;
            else
                errors["reuse"] = ["Must be true or false."];
        var asked = new Asked(
            context, Value("language"), received.Number(http, "suggestionCount", 1, AnalysisStrategy.SuggestionsMax, errors),
            Value("priority"), received.Number(http, "timeBudgetMs", BudgetMsMin, BudgetMsMax, errors), reuse);
        foreach (var (field, message) in Faults(asked))
            errors[field] = [message];
        if (errors.Count > 0)
            return Problems.InvalidFields.Problem(errors: errors);
        var (image, problem) = receiver.Inspect(received);
        if (image is null)
            return problem!;
        // What a camera has put behind it is not stored.
        var content = image.Length == received.Content.Length ? received.Content : received.Content[..image.Length];
        return await CreateAsync(kind, asked, Described(image, content), uploadId: null, content, http, sessions);

        string? Value(string field) => received.Field(http, field)?.Replace("\0", "", StringComparison.Ordinal);
    }

    Task<IResult> CreateAsync(AnalysisPipeline kind, Asked asked, JsonNode image, Guid? uploadId, byte[]? content, HttpContext http, SessionRoutes sessions)
    {
        var priority = asked.Priority?.ToLowerInvariant() ?? Priorities[0];
        return sessions.CreateAsync(kind, http, Input(asked, priority, BudgetOf(priority), image, uploadId).ToJsonString(Relaxed), [],
            upload: new UploadContent(content, Array.IndexOf(Priorities, priority)));
    }

    /// <summary>What an analysis of a picture is asked, as its session keeps it.</summary>
    public static JsonObject SelfTestInput(byte[] content, TimeSpan budget) =>
        Input(new Asked("A self-test of the service.", "en", 2, null, null, Reuse: false), Priorities[0], budget, Described(ImageInspector.Inspect(content, null, long.MaxValue), content), null);

    static JsonObject Input(Asked asked, string priority, TimeSpan budget, JsonNode image, Guid? uploadId) => new()
    {
        ["context"] = Normalized(asked.Context),
        ["language"] = asked.Language,
        ["suggestionCount"] = asked.SuggestionCount,
        ["priority"] = priority,
        ["budgetMs"] = asked.TimeBudgetMs ?? (int)budget.TotalMilliseconds,
        ["reuse"] = asked.Reuse ?? true,
        ["uploadId"] = uploadId,
        ["image"] = image,
    };

    static JsonObject Described(InspectedImage image, byte[] content) => new()
    {
        ["contentType"] = image.MediaType, ["bytes"] = content.Length, ["width"] = image.Width, ["height"] = image.Height,
        ["sha256"] = Convert.ToHexStringLower(SHA256.HashData(content)),
    };

    static IEnumerable<(string Field, string Message)> Faults(Asked asked)
    {
        if (asked.Priority is { } priority && !Priorities.Contains(priority.ToLowerInvariant()))
            yield return ("priority", $"Must be one of {string.Join(", ", Priorities)}.");
        if (asked.Language is { } language && !LanguageTag().IsMatch(language))
            yield return ("language", "Must be a language tag, such as en or pt-BR.");
    }

    int BudgetMsMax => (int)options.Value.Budget.TotalMilliseconds;

    TimeSpan BudgetOf(string priority) => priority switch
    {
        "urgent" => options.Value.UrgentBudget,
        "keyboard" => options.Value.KeyboardBudget,
        "ideal" => options.Value.IdealBudget,
        _ => options.Value.Budget,
    };

    /// <summary>The same words are the same context, however they are spaced and composed; null: nothing was said.</summary>
    static string? Normalized(string? context) =>
        context is null ? null : Space().Replace(context.Normalize(NormalizationForm.FormC), " ").Trim() is { Length: > 0 } words ? words : null;

    static async Task<IResult> HealthAsync(
        Postgres postgres, ChangeListener listener, TransformWorker worker, AnalysisPipeline kind, IHostApplicationLifetime lifetime, CancellationToken cancellation)
    {
        var checks = new AnalysisChecks(await postgres.AnswersAsync(cancellation), listener.IsListening, worker.IsWorker ? worker.IsRunning : null, kind.IsModelAsked, kind.HasDecoder);
        var isHealthy = checks is { Database: true, Listener: true, Worker: not false, Model: true } && !lifetime.ApplicationStopping.IsCancellationRequested;
        return Results.Json(new AnalysisHealth(!isHealthy ? "unhealthy" : checks.ImageDecoder ? "healthy" : "degraded", checks), statusCode: isHealthy ? 200 : 503);
    }

    async Task<IResult> MetricsAsync(HttpContext http)
    {
        var lines = await reader.ReadMetricsAsync(http.Id(), options.Value.Budget, http.RequestAborted);
        var all = lines.FirstOrDefault(line => line.Part == "all") ?? new AnalysisMetric("all", null, 0, 0, 0, 0, 0, null, null);
        return Results.Json(new AnalysisMetrics(
            all.Count, lines.Where(line => line.Part == "status").ToDictionary(line => SessionVersion.Public(line.Name!), line => line.Count),
            (long)options.Value.Budget.TotalMilliseconds, Share(all.InTime, all.Completed), Share(all.WithinBudget, all.Completed), all.Reused, Ms(all.MedianSeconds), Ms(all.P95Seconds),
            [.. lines.Where(line => line.Part == "strategy").Select(line => new StrategyMetrics(
                line.Name!, line.Count, line.Completed, Share(line.InTime, line.Completed), Share(line.WithinBudget, line.Completed), Ms(line.MedianSeconds), Ms(line.P95Seconds)))]));

        static double? Share(int part, int whole) => whole == 0 ? null : Math.Round((double)part / whole, 4);

        static long? Ms(double? seconds) => seconds is { } known ? (long)Math.Round(1000 * known) : null;
    }

    [GeneratedRegex(@"\s+")]
    private static partial Regex Space();

    [GeneratedRegex(@"^[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8}){0,3}\z")]
    private static partial Regex LanguageTag();

    public sealed record AnalysisHealth(string Status, AnalysisChecks Checks);

    /// <param name="Database">Whether it answers within a second.</param>
    /// <param name="Listener">Whether notifications arrive.</param>
    /// <param name="Worker">Whether analyses are claimed; null where the role is <c>api</c>.</param>
    /// <param name="Model">Whether the model's provider is asked: not while it keeps failing and is left alone.</param>
    /// <param name="ImageDecoder">Whether pictures can be decoded; without it they are sent as they came.</param>
    public sealed record AnalysisChecks(bool Database, bool Listener, bool? Worker, bool Model, bool ImageDecoder);

    /// <param name="Analyses">How many these figures are of: your newest 1,000 at most.</param>
    /// <param name="ByStatus">How many of each status.</param>
    /// <param name="TargetMs">What an analysis is to take at most, from the request.</param>
    /// <param name="WithinTarget">Share of the completed that took no longer; null: none was completed.</param>
    /// <param name="WithinBudget">Share of the completed that kept their own budgets.</param>
    /// <param name="Reused">How many took over all of an earlier one.</param>
    /// <param name="MedianMs">From the request to the end, of those that were completed and made anew.</param>
    /// <param name="P95Ms">The same; 19 of 20 took no longer.</param>
    /// <param name="Strategies">The same by strategy.</param>
    public sealed record AnalysisMetrics(
        int Analyses, IReadOnlyDictionary<string, int> ByStatus, long TargetMs, double? WithinTarget, double? WithinBudget, int Reused, long? MedianMs, long? P95Ms,
        IReadOnlyList<StrategyMetrics> Strategies);

    public sealed record StrategyMetrics(string Strategy, int Analyses, int Completed, double? WithinTarget, double? WithinBudget, long? MedianMs, long? P95Ms);
}
