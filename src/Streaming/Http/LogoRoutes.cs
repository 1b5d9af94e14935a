using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Options;
using Streaming.Configuration;
using Streaming.Pipelines.Logo;
using Streaming.Protocol;

namespace Streaming.Http;

/// <summary><c>POST /api/logos</c>: from a name and what it stands for.</summary>
public static partial class LogoRoutes
{
    const int NameCharactersMax = 100;
    const int StyleCharactersMax = 500;
    const int ColorsMax = 6;
    const int ColorCharactersMax = 40;

    public static void Map(IEndpointRouteBuilder routes)
    {
        var kind = routes.ServiceProvider.GetRequiredService<LogoPipeline>();
        SessionRoutes.Map<LogoState>(routes, kind);
        routes.MapPost("/api/logos", async (HttpContext http, SessionRoutes sessions, IOptions<LimitOptions> limits) =>
            {
                var (body, problem) = await JsonBody.ReadAsync(http.Request, http.RequestAborted);
                if (body is null)
                    return problem!;
                var input = new JsonObject
                {
                    ["brandName"] = body.Text("brandName", NameCharactersMax, isRequired: true),
                    ["description"] = body.Text("description", limits.Value.DescriptionCharactersMax, isRequired: true),
                    ["style"] = body.Text("style", StyleCharactersMax),
                    ["colors"] = Colors(body),
                };
                return body.Errors.Count > 0
                    ? Problems.InvalidFields.Problem(errors: body.Errors)
                    : await sessions.CreateAsync(
                        kind, http, input.ToJsonString(new JsonSerializerOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }), []);
            })
            .WithTags("logos").WithSummary("Asks for a logo").Accepts<LogoRequest>("application/json")
            .Produces<LogoState>(202).ProducesProblem(400).ProducesProblem(413).ProducesProblem(415).ProducesProblem(422).ProducesProblem(429);
    }

    static JsonArray Colors(JsonBody body)
    {
        var colors = new JsonArray();
        if (body.Property("colors") is not { } given)
            return colors;
        if (given.ValueKind != JsonValueKind.Array || given.GetArrayLength() > ColorsMax)
        {
            body.Fail("colors", $"Must be an array of {ColorsMax} colours at most.");
            return colors;
        }

        foreach (var color in given.EnumerateArray())
        {
            var text = body.Text(color, "colors", ColorCharactersMax, isRequired: true);
            if (text is not null && !ColorPattern().IsMatch(text))
                body.Fail("colors", "Each is #rgb, #rrggbb, or a name.");
            colors.Add(text);
        }

        return colors;
    }

    [GeneratedRegex(@"^(#[0-9a-fA-F]{3}|#[0-9a-fA-F]{6}|[\p{L} -]+)\z")]
    private static partial Regex ColorPattern();
}
