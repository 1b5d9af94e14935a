using System.Security.Cryptography;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Options;
using Streaming.Configuration;
using Streaming.Pipelines.Upload;
using Streaming.Protocol;
using Streaming.Sessions;

namespace Streaming.Http;

/// <summary>
/// <c>POST /api/v1/uploads</c>: an image, as the body or as a file of a form. It is inspected while nothing is stored; what is
/// answered 202 is in the database.
/// </summary>
public sealed class ImageUploadRoutes(ImageReceiver receiver, IOptions<UploadOptions> options, IOptions<ImageOptions> images)
{
    const int FieldCharactersMax = 1000;
    const int NameCharactersMax = 200;
    const int BytesMin = 1024;
    const int EdgeMin = 64;
    static readonly Dictionary<string, int> Fields =
        ((string[])["priority", "format", "maxEdge", "maxBytes", "name"]).ToDictionary(field => field, _ => FieldCharactersMax);

    public static void Map(IEndpointRouteBuilder routes)
    {
        var kind = routes.ServiceProvider.GetRequiredService<UploadPipeline>();
        SessionRoutes.Map<UploadState>(routes, kind);
        foreach (var address in (string[])["/api/v1/uploads", "/api/uploads"])
            routes.MapPost(address, (HttpContext http, ImageUploadRoutes self, SessionRoutes sessions) => self.ReceiveAsync(kind, http, sessions))
                .WithTags("uploads").WithSummary("Takes an image, as the body or in a form, and makes it smaller")
                // Whatever else it says, the bytes decide, and the answer tells.
                .Accepts<byte[]>("image/*", "multipart/form-data", "*/*")
                .Produces<UploadState>(202).ProducesProblem(400).ProducesProblem(403).ProducesProblem(413).ProducesProblem(415).ProducesProblem(422)
                .ProducesProblem(429).ProducesProblem(503);
    }

    Task<IResult> ReceiveAsync(UploadPipeline kind, HttpContext http, SessionRoutes sessions) =>
        receiver.ReceiveAsync(http, Fields, received => StoreAsync(kind, received, http, sessions));

    async Task<IResult> StoreAsync(UploadPipeline kind, ReceivedFile received, HttpContext http, SessionRoutes sessions)
    {
        var errors = new Dictionary<string, string[]>();
        var priority = Choice("priority", ["urgent", "high", "normal", "low"], "normal");
        var goal = new JsonObject
        {
            ["format"] = Choice("format", ["webp", "jpeg"], images.Value.Format),
            ["edgePixels"] = received.Number(http, "maxEdge", EdgeMin, images.Value.EdgePixelsMax, errors) ?? images.Value.EdgePixels,
            ["bytesMax"] = received.Number(http, "maxBytes", BytesMin, options.Value.BytesMax, errors),
        };
        var name = Value("name") is { } given ? new string([.. given.Where(c => !char.IsControl(c) && !char.IsSurrogate(c)).Take(NameCharactersMax)]) : null;
        if (errors.Count > 0)
            return Problems.InvalidFields.Problem(errors: errors);

        var (image, problem) = receiver.Inspect(received);
        if (image is null)
            return problem!;

        // What a camera has put behind it is not stored.
        var content = image.Length == received.Content.Length ? received.Content : received.Content[..image.Length];
        var input = new JsonObject
        {
            ["priority"] = priority,
            ["fileName"] = name,
            ["pixels"] = (long)image.Width * image.Height,
            ["received"] = new JsonObject
            {
                ["contentType"] = image.MediaType, ["bytes"] = content.Length, ["width"] = image.Width, ["height"] = image.Height,
                ["sha256"] = Convert.ToHexStringLower(SHA256.HashData(content)),
            },
            ["goal"] = goal,
        };
        return await sessions.CreateAsync(
            kind, http, input.ToJsonString(new JsonSerializerOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }), [],
            upload: new UploadContent(content, (int)Enum.Parse<UploadPriority>(priority, ignoreCase: true)));

        string? Value(string field) => received.Field(http, field) is { } given ? given
            : field == "priority" && http.Request.Headers["Upload-Priority"] is [{ Length: > 0 } header, ..] ? header : null;

        string Choice(string field, string[] values, string byDefault)
        {
            var value = Value(field)?.ToLowerInvariant() ?? byDefault;
            if (!values.Contains(value))
                errors[field] = [$"Must be one of {string.Join(", ", values)}."];
            return value;
        }
    }
}
