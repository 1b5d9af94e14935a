using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Options;
using Streaming.Configuration;
using Streaming.Files;
using Streaming.Pipelines.Ideation;
using Streaming.Pipelines.Outline;
using Streaming.Pipelines.Outline.Documents;
using Streaming.Protocol;
using Streaming.Sessions;

namespace Streaming.Http;

/// <summary><c>POST /api/outlines</c>: from an idea of an ideation, from a text, or from a file.</summary>
public static class OutlineRoutes
{
    const int TitleCharactersMax = 500;
    const int EpisodesMax = 1000;
    const int EpisodeMinutesMax = 600;

    public static void Map(IEndpointRouteBuilder routes)
    {
        var kind = routes.ServiceProvider.GetRequiredService<OutlinePipeline>();
        SessionRoutes.Map<OutlineState>(routes, kind);
        routes.MapPost("/api/outlines", async (HttpContext http, SessionRoutes sessions, SessionReader reader, FileUploads files, IOptions<LimitOptions> limits, IOptions<DocumentOptions> documents) =>
            {
                var (body, problem) = await JsonBody.ReadAsync(http.Request, http.RequestAborted);
                if (body is null)
                    return problem!;
                var (source, artifactId, refusal) = body.Property("fileId") is null
                    ? await SourceAsync(body, http, reader, limits.Value)
                    : await DocumentAsync(body, http, files, documents.Value);
                if (refusal is not null)
                    return refusal;
                var input = new JsonObject
                {
                    ["sourceArtifact"] = source,
                    ["totalEpisodes"] = body.WholeNumber("totalEpisodes", 1, EpisodesMax),
                    ["episodeDuration"] = body.WholeNumber("episodeDuration", 1, EpisodeMinutesMax),
                };
                return body.Errors.Count > 0
                    ? Problems.InvalidFields.Problem(errors: body.Errors)
                    : await sessions.CreateAsync(kind, http,
                        input.ToJsonString(new JsonSerializerOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }),
                        artifactId is { } id ? [id] : []);
            })
            .WithTags("outlines").WithSummary("Asks for an outline of an idea, of a text, or of a file").Accepts<OutlineRequest>("application/json")
            .Produces<OutlineState>(202).ProducesProblem(400).ProducesProblem(404).ProducesProblem(409).ProducesProblem(413).ProducesProblem(415).ProducesProblem(422).ProducesProblem(429);
    }

    static async Task<(JsonObject? Source, Guid? ArtifactId, IResult? Refusal)> SourceAsync(JsonBody body, HttpContext http, SessionReader reader, LimitOptions limits)
    {
        var hasIdea = body.Property("ideationId") is not null;
        if (body.Property("source") is { } source)
        {
            if (hasIdea)
                body.Fail("source", "Give either source or ideationId, not both.");
            return (Text(body, source, limits), null, null);
        }

        if (!hasIdea)
        {
            body.Fail("ideationId", "Is required, unless source or fileId is given.");
            return default;
        }

        var index = body.Property("ideaIndex") is null ? null : body.WholeNumber("ideaIndex", 0, limits.IdeasMax - 1);
        if (index is null && !body.Errors.ContainsKey("ideaIndex"))
            body.Fail("ideaIndex", "Is required with ideationId.");
        if (body.Text("ideationId", 36) is not { } text || !Guid.TryParse(text, out var ideationId))
        {
            body.Fail("ideationId", "Must be the id of an ideation.");
            return default;
        }

        if (index is null)
            return default;
        var idea = await reader.ReadArtifactAsync(
            IdeationPipeline.KindName, ideationId, http.Id(), IdeasStage.ArtifactType, index.Value, http.RequestAborted);
        if (idea is null)
        {
            body.Fail("ideaIndex", "There is no such idea (yet).");
            return default;
        }

        var (data, asked) = (JsonNode.Parse(idea.Data)!, JsonNode.Parse(idea.Input)!);
        return (new JsonObject
        {
            ["title"] = data["title"]!.DeepClone(),
            ["text"] = data["body"]!.DeepClone(),
            ["ideationId"] = ideationId.ToString(),
            ["ideaIndex"] = index.Value,
            // An idea does not say them by itself, and its outline must keep to them.
            ["genrePaths"] = asked["genrePaths"]?.DeepClone(),
            ["genreProportions"] = asked["genreProportions"]?.DeepClone(),
            ["selectedPlatform"] = asked["selectedPlatform"]?.DeepClone(),
        }, idea.Id, null);
    }

    /// <summary>A stored text file of the user's own.</summary>
    static async Task<(JsonObject? Source, Guid? ArtifactId, IResult? Refusal)> DocumentAsync(
        JsonBody body, HttpContext http, FileUploads files, DocumentOptions options)
    {
        if (body.Property("source") is not null || body.Property("ideationId") is not null)
            body.Fail("fileId", "Give one of fileId, source and ideationId.");
        if (body.Text("fileId", 36) is not { } text || !Guid.TryParse(text, out var fileId))
            body.Fail("fileId", "Must be the id of a file.");
        else if (body.Errors.Count == 0)
            return await files.ReadAsync(fileId, http.Id(), http.RequestAborted) switch
            {
                null => (null, null, Problems.NotFound.Problem("There is no such file.")),
                { IsStored: false } => (null, null, Problems.Conflict.Problem("The upload is not complete.")),
                { Size: 0 } => (null, null, Problems.DocumentEmpty.Problem()),
                { ContentType: not ("text/plain" or "text/markdown") } file => (null, null, Problems.DocumentUnsupported.Problem(
                    $"It looks like {file.ContentType}. Plain text and Markdown are taken: UTF-8, or UTF-16 with a byte order mark.")),
                { Size: var size } when size > options.BytesMax => (null, null, Problems.DocumentTooLarge.Problem($"It has {size} bytes, and may have {options.BytesMax}.")),
                var file => (SourceDocument.Describe(file), file.Id, null),
            };
        return default;
    }

    static JsonObject? Text(JsonBody body, JsonElement source, LimitOptions limits)
    {
        if (source.ValueKind != JsonValueKind.Object)
        {
            body.Fail("source", "Must be an object with title and text.");
            return null;
        }

        return new JsonObject
        {
            ["title"] = body.Text(Member("title"), "source.title", TitleCharactersMax, isRequired: true),
            ["text"] = body.Text(Member("text"), "source.text", limits.SourceCharactersMax, isRequired: true),
        };

        JsonElement? Member(string name) =>
            source.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;
    }
}
