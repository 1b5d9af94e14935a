using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;
using Streaming.Configuration;
using Streaming.Images;
using Streaming.Pipelines.Upload;
using Streaming.Protocol;
using Streaming.Sessions;

namespace Streaming.Http;

/// <summary>
/// <c>POST /api/v1/uploads</c>: an image, as the body or as a file of a form. It is inspected while nothing is stored; what is
/// answered 202 is in the database.
/// </summary>
public sealed class ImageUploadRoutes(IOptions<UploadOptions> options, IOptions<ImageOptions> images) : IDisposable
{
    // A form's boundaries, headers and other fields.
    const int FormBytesMax = 64 * 1024;
    const int FieldCharactersMax = 1000;
    const int NameCharactersMax = 200;
    const int BytesMin = 1024;
    const int EdgeMin = 64;
    static readonly string[] Fields = ["priority", "format", "maxEdge", "maxBytes", "name"];

    readonly SemaphoreSlim _places = new(options.Value.ReceivedAtOnceMax);

    /// <summary>Uploads whose bytes are being received.</summary>
    public int ReceivedNow => options.Value.ReceivedAtOnceMax - _places.CurrentCount;

    sealed record Received(byte[] Content, string? ContentType, Dictionary<string, string> Fields);

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

    async Task<IResult> ReceiveAsync(UploadPipeline kind, HttpContext http, SessionRoutes sessions)
    {
        // A form needs no leave to be sent by a page of somebody else's, and in mode none no token either.
        if (http.Request.Headers["Sec-Fetch-Site"] == "cross-site")
            return Problems.CrossSite.Problem();
        var bytesMax = options.Value.BytesMax + FormBytesMax;
        var isTooLarge = http.Request.ContentLength > bytesMax;
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
            // What is refused at once has no limit: the server then passes over it for a while, and the client reads the answer.
            size.MaxRequestBodySize = isTooLarge ? null : bytesMax;
        if (isTooLarge)
            return Problems.UploadTooLarge.Problem($"It is {options.Value.BytesMax} bytes.");
        if (!await _places.WaitAsync(TimeSpan.Zero, http.RequestAborted))
        {
            http.Response.Headers.RetryAfter = "1";
            return Problems.UploadsBusy.Problem($"It is {options.Value.ReceivedAtOnceMax} (Uploads:ReceivedAtOnceMax).");
        }

        try
        {
            return await ReadAsync(http) is { } received ? await StoreAsync(kind, received, http, sessions) : Problems.UploadTooLarge.Problem($"It is {options.Value.BytesMax} bytes.");
        }
        catch (BadHttpRequestException fault) when (fault.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            return Problems.UploadTooLarge.Problem($"It is {options.Value.BytesMax} bytes.");
        }
        catch (Exception fault) when (fault is InvalidDataException or IOException and not BadHttpRequestException)
        {
            return Problems.InvalidBody.Problem($"The form cannot be read: {fault.Message}");
        }
        finally
        {
            _places.Release();
        }
    }

    async Task<IResult> StoreAsync(UploadPipeline kind, Received received, HttpContext http, SessionRoutes sessions)
    {
        var errors = new Dictionary<string, string[]>();
        var priority = Choice("priority", ["urgent", "high", "normal", "low"], "normal");
        var goal = new JsonObject
        {
            ["format"] = Choice("format", ["webp", "jpeg"], images.Value.Format),
            ["edgePixels"] = Number("maxEdge", EdgeMin, images.Value.EdgePixelsMax) ?? images.Value.EdgePixels,
            ["bytesMax"] = Number("maxBytes", BytesMin, options.Value.BytesMax),
        };
        var name = Value("name") is { } given ? new string([.. given.Where(c => !char.IsControl(c) && !char.IsSurrogate(c)).Take(NameCharactersMax)]) : null;
        if (errors.Count > 0)
            return Problems.InvalidFields.Problem(errors: errors);

        InspectedImage image;
        try
        {
            image = ImageInspector.Inspect(received.Content, received.ContentType, images.Value.PixelsMax);
        }
        catch (ImageRefusedException fault)
        {
            return ProblemOf(fault.Refusal).Problem(fault.Message);
        }

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

        string? Value(string field) => http.Request.Query[field] is [{ Length: > 0 } query, ..] ? query
            : received.Fields.GetValueOrDefault(field) is { Length: > 0 } part ? part
            : field == "priority" && http.Request.Headers["Upload-Priority"] is [{ Length: > 0 } header, ..] ? header : null;

        string Choice(string field, string[] values, string byDefault)
        {
            var value = Value(field)?.ToLowerInvariant() ?? byDefault;
            if (!values.Contains(value))
                errors[field] = [$"Must be one of {string.Join(", ", values)}."];
            return value;
        }

        int? Number(string field, int min, int max)
        {
            if (Value(field) is not { } text)
                return null;
            if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= min && number <= max)
                return number;
            errors[field] = [$"Must be a whole number from {min} to {max}."];
            return null;
        }
    }

    /// <summary>Null: it is too large.</summary>
    /// <exception cref="BadHttpRequestException">413: the whole body is too large.</exception>
    /// <exception cref="InvalidDataException">It is no form.</exception>
    async Task<Received?> ReadAsync(HttpContext http)
    {
        var type = MediaTypeHeaderValue.TryParse(http.Request.ContentType, out var parsed) ? parsed : null;
        if (type?.MediaType != "multipart/form-data")
            return await BytesAsync(http.Request.Body, http.Request.ContentLength, http.RequestAborted) is { } body
                ? new Received(body, http.Request.ContentType, []) : null;
        var boundary = HeaderUtilities.RemoveQuotes(type.Boundary).Value;
        if (string.IsNullOrEmpty(boundary))
            throw new InvalidDataException("it has no boundary.");
        var reader = new MultipartReader(boundary, http.Request.Body);
        (byte[] Content, string? ContentType)? file = null;
        var fields = new Dictionary<string, string>();
        while (await reader.ReadNextSectionAsync(http.RequestAborted) is { } section)
        {
            if (!ContentDispositionHeaderValue.TryParse(section.ContentDisposition, out var disposition))
                continue;
            var name = HeaderUtilities.RemoveQuotes(disposition.Name).Value ?? "";
            if (disposition.FileName.HasValue || disposition.FileNameStar.HasValue || name == "file")
            {
                if (file is not null)
                    throw new InvalidDataException("it has more than one file.");
                if (await BytesAsync(section.Body, null, http.RequestAborted) is not { } content)
                    return null;
                file = (content, section.ContentType);
                var fileName = disposition.FileNameStar.HasValue ? disposition.FileNameStar : HeaderUtilities.RemoveQuotes(disposition.FileName);
                if (fileName.HasValue)
                    fields.TryAdd("name", fileName.Value!);
            }
            else if (Fields.Contains(name))
            {
                using var text = new StreamReader(section.Body, Encoding.UTF8);
                var buffer = new char[FieldCharactersMax];
                var count = await text.ReadBlockAsync(buffer, http.RequestAborted);
                fields[name] = new string(buffer, 0, count);
            }
        }

        return file is { } found ? new Received(found.Content, found.ContentType, fields) : throw new InvalidDataException("it has no file.");
    }

    /// <summary>All of it; null if it is more than an upload may have.</summary>
    async Task<byte[]?> BytesAsync(Stream body, long? length, CancellationToken cancellation)
    {
        if (length > options.Value.BytesMax)
            return null;
        using var content = new MemoryStream((int)(length ?? 256 * 1024));
        var buffer = new byte[64 * 1024];
        while (await body.ReadAsync(buffer, cancellation) is > 0 and var count)
        {
            content.Write(buffer, 0, count);
            if (content.Length > options.Value.BytesMax)
                return null;
        }

        return content.ToArray();
    }

    static ProblemKind ProblemOf(ImageRefusal refusal) => refusal switch
    {
        ImageRefusal.Unsupported => Problems.ImageUnsupported,
        ImageRefusal.Mislabelled => Problems.ImageMislabelled,
        ImageRefusal.Truncated => Problems.ImageTruncated,
        ImageRefusal.Polyglot => Problems.ImagePolyglot,
        ImageRefusal.TooLarge => Problems.ImageTooLarge,
        _ => Problems.ImageDamaged,
    };

    public void Dispose() => _places.Dispose();
}
