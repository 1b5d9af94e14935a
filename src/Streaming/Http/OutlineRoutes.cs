using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Options;
using Streaming.Configuration;
using Streaming.Pipelines.Ideation;
using Streaming.Pipelines.Outline;
using Streaming.Protocol;
using Streaming.Sessions;

namespace Streaming.Http;

/// <summary><c>POST /api/outlines</c>: from an idea of an ideation, or from a text.</summary>
public static class OutlineRoutes
{
    const int TitleCharactersMax = 500;
    const int EpisodesMax = 1000;
    const int EpisodeMinutesMax = 600;

    public static void Map(IEndpointRouteBuilder routes)
    {
        var kind = routes.ServiceProvider.GetRequiredService<OutlinePipeline>();
        SessionRoutes.Map<OutlineState>(routes, kind);
        routes.MapPost("/api/outlines", async (HttpContext http, SessionRoutes sessions, SessionReader reader, IOptions<LimitOptions> limits) =>
            {
                var (body, problem) = await JsonBody.ReadAsync(http.Request, http.RequestAborted);
                if (body is null)
                    return problem!;
                var (source, artifactId) = await SourceAsync(body, http, reader, limits.Value);
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
            .WithTags("outlines").WithSummary("Asks for an outline of an idea, or of a text").Accepts<OutlineRequest>("application/json")
            .Produces<OutlineState>(202).ProducesProblem(400).ProducesProblem(413).ProducesProblem(415).ProducesProblem(422).ProducesProblem(429);
    }

    static async Task<(JsonObject? Source, Guid? ArtifactId)> SourceAsync(JsonBody body, HttpContext http, SessionReader reader, LimitOptions limits)
    {
        var hasIdea = body.Property("ideationId") is not null;
        if (body.Property("source") is { } source)
        {
            if (hasIdea)
                body.Fail("source", "Give either source or ideationId, not both.");
            return (Text(body, source, limits), null);
        }

        if (!hasIdea)
        {
            body.Fail("ideationId", "Is required, unless source is given.");
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
        }, idea.Id);
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
