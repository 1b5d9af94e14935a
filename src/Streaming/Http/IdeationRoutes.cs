using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Options;
using Streaming.Configuration;
using Streaming.Pipelines.Ideation;
using Streaming.Protocol;

namespace Streaming.Http;

/// <summary><c>POST /api/ideations</c>.</summary>
public static class IdeationRoutes
{
    const int IdeasDefault = 5;
    const int NameCharactersMax = 200;
    const int GenrePathSegmentsMax = 5;

    public static void Map(IEndpointRouteBuilder routes)
    {
        var kind = routes.ServiceProvider.GetRequiredService<IdeationPipeline>();
        SessionRoutes.Map<IdeationState>(routes, kind);
        routes.MapPost("/api/ideations", async (HttpContext http, SessionRoutes sessions, IOptions<LimitOptions> limits) =>
            {
                var (body, problem) = await JsonBody.ReadAsync(http.Request, http.RequestAborted);
                if (body is null)
                    return problem!;
                var input = Read(body, limits.Value);
                return body.Errors.Count > 0
                    ? Problems.InvalidFields.Problem(errors: body.Errors)
                    : await sessions.CreateAsync(kind, http, input, []);
            })
            .WithTags("ideations").WithSummary("Asks for ideas; they arrive on the stream").Accepts<IdeationRequest>("application/json")
            .Produces<IdeationState>(202).ProducesProblem(400).ProducesProblem(413).ProducesProblem(415).ProducesProblem(422).ProducesProblem(429);
    }

    static string Read(JsonBody body, LimitOptions limits)
    {
        var input = new JsonObject
        {
            ["userInput"] = body.Text("userInput", limits.UserInputCharactersMax, isRequired: true),
            ["selectedPlatform"] = body.Text("selectedPlatform", NameCharactersMax),
        };
        var paths = GenrePaths(body, limits);
        var proportions = Proportions(body);
        if (paths is not null && proportions is { Count: > 0 } && proportions.Count != paths.Count)
            body.Fail("genreProportions", $"Must have one number for each of the {paths.Count} genre paths, has {proportions.Count}.");
        input["genrePaths"] = paths;
        input["genreProportions"] = proportions;
        input["ideaCount"] = body.WholeNumber("ideaCount", 1, limits.IdeasMax) ?? IdeasDefault;
        return input.ToJsonString(new JsonSerializerOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
    }

    /// <summary>Each path a text, or an array of texts from the wide genre to the narrow one.</summary>
    static JsonArray? GenrePaths(JsonBody body, LimitOptions limits)
    {
        const string Field = "genrePaths";
        if (body.Property(Field) is not { } value)
            return [];
        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() > limits.GenrePathsMax)
        {
            body.Fail(Field, $"Must be an array of {limits.GenrePathsMax} at most.");
            return null;
        }

        var paths = new JsonArray();
        foreach (var path in value.EnumerateArray())
        {
            if (path.ValueKind != JsonValueKind.Array)
            {
                paths.Add(body.Text(path, Field, NameCharactersMax, isRequired: true));
                continue;
            }

            if (path.GetArrayLength() is 0 or > GenrePathSegmentsMax)
                body.Fail(Field, $"A path must have one to {GenrePathSegmentsMax} names.");
            paths.Add(new JsonArray([.. path.EnumerateArray().Select(name => (JsonNode?)body.Text(name, Field, NameCharactersMax, isRequired: true))]));
        }

        return paths;
    }

    static JsonArray? Proportions(JsonBody body)
    {
        const string Field = "genreProportions";
        if (body.Property(Field) is not { } value)
            return [];
        var numbers = new JsonArray();
        if (value.ValueKind == JsonValueKind.Array)
            foreach (var number in value.EnumerateArray())
                if (number.ValueKind == JsonValueKind.Number && number.TryGetDouble(out var share) && share >= 0 && double.IsFinite(share))
                    numbers.Add(JsonNode.Parse(number.GetRawText()));
        if (value.ValueKind == JsonValueKind.Array && numbers.Count == value.GetArrayLength())
            return numbers;
        body.Fail(Field, "Must be an array of numbers, none below 0.");
        return null;
    }
}
