using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;
using Streaming.Configuration;
using Streaming.Files;

namespace Streaming.Http;

/// <summary>
/// Uploads by tus 1.0.0 (https://tus.io/protocols/resumable-upload): core, creation, creation-with-upload, expiration,
/// termination, checksum. Bytes go to the disk as they come, whatever the size of the body.
/// </summary>
public sealed class UploadRoutes(FileUploads uploads, FileMaintenance files, IOptions<FilesOptions> options)
{
    const string Version = "1.0.0";
    const string ContentType = "application/offset+octet-stream";
    const int MetadataCharactersMax = 4096;

    static readonly Dictionary<string, (HashAlgorithmName Name, int Bytes)> Algorithms = new()
    {
        ["sha1"] = (HashAlgorithmName.SHA1, 20),
        ["sha256"] = (HashAlgorithmName.SHA256, 32),
        ["md5"] = (HashAlgorithmName.MD5, 16),
    };

    public static void Map(RouteGroupBuilder group)
    {
        group.MapMethods("/", [HttpMethods.Options], (HttpContext http, UploadRoutes self) => self.Describe(http)).ExcludeFromDescription();
        group.MapPost("/", (HttpContext http, UploadRoutes self) => self.CreateAsync(http))
            .WithSummary("Announces a file by tus 1.0.0, and may bring its first bytes").Produces(201)
            .ProducesProblem(400).ProducesProblem(412).ProducesProblem(413).ProducesProblem(429).ProducesProblem(460).ProducesProblem(503).ProducesProblem(507);
        // HEAD answers without a body, so there is nothing to describe.
        group.MapMethods("/{id}", [HttpMethods.Head], (string id, HttpContext http, UploadRoutes self) => self.HeadAsync(id, http)).ExcludeFromDescription();
        group.MapPatch("/{id}", (string id, HttpContext http, UploadRoutes self) => self.AppendAsync(id, http))
            .WithSummary("Brings the next bytes of an upload by tus 1.0.0").Produces(204)
            .ProducesProblem(400).ProducesProblem(404).ProducesProblem(409).ProducesProblem(412).ProducesProblem(413).ProducesProblem(415).ProducesProblem(460)
            .ProducesProblem(503).ProducesProblem(507);
        group.MapPost("/{id}", (string id, HttpContext http, UploadRoutes self) => self.OverrideAsync(id, http))
            .WithSummary("PATCH or DELETE for clients that cannot say so: X-HTTP-Method-Override").Produces(204).ProducesProblem(400).ProducesProblem(404).ProducesProblem(405);
        group.MapDelete("/{id}", (string id, HttpContext http, UploadRoutes self) => self.DeleteAsync(id, http))
            .WithSummary("Removes the file, complete or not, and everything about it").Produces(204).ProducesProblem(400).ProducesProblem(404);
    }

    IResult Describe(HttpContext http)
    {
        var headers = http.Response.Headers;
        headers["Tus-Resumable"] = headers["Tus-Version"] = Version;
        headers["Tus-Extension"] = "creation,creation-with-upload,expiration,termination,checksum";
        headers["Tus-Max-Size"] = Text(options.Value.SizeMax);
        headers["Tus-Checksum-Algorithm"] = string.Join(',', Algorithms.Keys);
        return Results.NoContent();
    }

    async Task<IResult> CreateAsync(HttpContext http)
    {
        if (Refusal(http) is { } refusal)
            return refusal;
        var request = http.Request.Headers;
        if (request.ContainsKey("Upload-Defer-Length") || request.ContainsKey("Upload-Concat"))
            return Problems.InvalidHeader.Problem("The length must be known, and a file comes as one upload.");
        if (Number(request["Upload-Length"]) is not { } size)
            return Problems.InvalidHeader.Problem("Upload-Length must be a whole number, not below 0.");
        if (size > options.Value.SizeMax)
            return Problems.FileTooLarge.Problem($"A file may have {options.Value.SizeMax} bytes (Files:SizeMax).");
        var metadata = request["Upload-Metadata"].ToString();
        if (metadata.Length > MetadataCharactersMax || !TryReadName(metadata, out var name))
            return Problems.InvalidHeader.Problem($"Upload-Metadata must be pairs of a key and base64, {MetadataCharactersMax} characters at most.");
        var (checksum, invalid) = ChecksumOf(http.Request);
        if (invalid is not null)
            return invalid;
        var hasBody = IsOfBytes(http.Request) && http.Request.ContentLength != 0;
        if (hasBody && http.Request.ContentLength > size)
            return Problems.FileTooLarge.Problem("The body is longer than Upload-Length.");

        var (id, refused) = await uploads.CreateAsync(http.Id(), FileNames.Clean(name), metadata, size, http.RequestAborted);
        if (refused is not null)
            return Refused(http, refused);
        if (await uploads.ReadAsync(id, http.Id(), http.RequestAborted) is not { } file)
            return Problems.NotFound.Problem();
        http.Response.Headers.Location = $"/api/files/{id}";
        if (!hasBody && size > 0)
        {
            SayExpiry(http, file);
            return Results.StatusCode(StatusCodes.Status201Created);
        }

        var result = await uploads.AppendAsync(file, http.Id(), 0, checksum, Body(http), http.RequestAborted);
        if (result.Outcome == AppendOutcome.Appended)
        {
            if (hasBody)
                SayOffset(http, file, result.Offset);
            return Results.StatusCode(StatusCodes.Status201Created);
        }

        // Who is refused keeps nothing that he does not know of.
        await files.DeleteAsync(id, http.Id(), http.RequestAborted);
        http.Response.Headers.Remove("Location");
        return Answer(http, file, result);
    }

    async Task<IResult> HeadAsync(string id, HttpContext http)
    {
        if (Refusal(http) is { } refusal)
            return refusal;
        if (!Guid.TryParse(id, out var fileId))
            return Problems.InvalidId.Problem();
        if (await uploads.ReadToResumeAsync(fileId, http.Id(), http.RequestAborted) is not { } file)
            return Problems.NotFound.Problem();
        SayOffset(http, file, file.Position);
        http.Response.Headers["Upload-Length"] = Text(file.Size);
        if (file.Metadata.Length > 0)
            http.Response.Headers["Upload-Metadata"] = file.Metadata;
        return Results.StatusCode(StatusCodes.Status200OK);
    }

    async Task<IResult> AppendAsync(string id, HttpContext http)
    {
        if (Refusal(http) is { } refusal)
            return refusal;
        if (!Guid.TryParse(id, out var fileId))
            return Problems.InvalidId.Problem();
        if (!IsOfBytes(http.Request))
            return Problems.UnsupportedMediaType.Problem($"It must be {ContentType}.");
        if (Number(http.Request.Headers["Upload-Offset"]) is not { } offset)
            return Problems.InvalidHeader.Problem("Upload-Offset must be a whole number, not below 0.");
        var (checksum, invalid) = ChecksumOf(http.Request);
        if (invalid is not null)
            return invalid;
        if (await uploads.ReadAsync(fileId, http.Id(), http.RequestAborted) is not { } file)
            return Problems.NotFound.Problem();
        if (http.Request.ContentLength > file.Size - offset)
            return Problems.FileTooLarge.Problem($"The body goes beyond the {file.Size} bytes that were announced.");
        return Answer(http, file, await uploads.AppendAsync(file, http.Id(), offset, checksum, Body(http), http.RequestAborted));
    }

    Task<IResult> OverrideAsync(string id, HttpContext http) => http.Request.Headers["X-HTTP-Method-Override"].ToString() switch
    {
        "PATCH" => AppendAsync(id, http),
        "DELETE" => DeleteAsync(id, http),
        _ => Task.FromResult(Problems.MethodNotAllowed.Problem()),
    };

    async Task<IResult> DeleteAsync(string id, HttpContext http)
    {
        if (http.Request.Headers.ContainsKey("Tus-Resumable") && Refusal(http) is { } refusal)
            return refusal;
        if (!Guid.TryParse(id, out var fileId))
            return Problems.InvalidId.Problem();
        return await files.DeleteAsync(fileId, http.Id(), http.RequestAborted) ? Results.NoContent() : Problems.NotFound.Problem();
    }

    static IResult Answer(HttpContext http, StoredFile file, AppendResult result)
    {
        switch (result.Outcome)
        {
            case AppendOutcome.Appended:
                SayOffset(http, file, result.Offset);
                return Results.NoContent();
            case AppendOutcome.NotFound:
                return Problems.NotFound.Problem();
            case AppendOutcome.OffsetMismatch:
                return Problems.OffsetMismatch.Problem($"The next byte is number {result.Offset}.");
            case AppendOutcome.TooLarge:
                return Problems.FileTooLarge.Problem($"The body goes beyond the {file.Size} bytes that were announced.");
            case AppendOutcome.ChecksumMismatch:
                return Problems.ChecksumMismatch.Problem();
            case AppendOutcome.Full:
                return Problems.StorageFull.Problem("The volume is full.");
            case AppendOutcome.Busy:
                http.Response.Headers.RetryAfter = "5";
                return Problems.FilesBusy.Problem();
            default:
                return Problems.Conflict.Problem("Another request goes on with this upload.");
        }
    }

    IResult Refused(HttpContext http, string limit)
    {
        if (limit != "uploads")
            return Problems.StorageFull.Problem(limit switch
            {
                "files" => $"You may have {options.Value.FilesPerUserMax} files (Files:FilesPerUserMax).",
                "bytes" => $"Your files may have {options.Value.BytesPerUserMax} bytes together (Files:BytesPerUserMax).",
                _ => "The volume has no room for it.",
            });
        http.Response.Headers.RetryAfter = "5";
        return Problems.TooManyUploads.Problem($"You may have {options.Value.UploadsInProgressMax} (Files:UploadsInProgressMax).");
    }

    static void SayOffset(HttpContext http, StoredFile file, long offset)
    {
        http.Response.Headers["Upload-Offset"] = Text(offset);
        if (offset < file.Size)
            SayExpiry(http, file);
    }

    static void SayExpiry(HttpContext http, StoredFile file) => http.Response.Headers["Upload-Expires"] = file.ExpiresAt.ToString("R", CultureInfo.InvariantCulture);

    /// <summary>What every request but OPTIONS has in common; null: go on.</summary>
    static IResult? Refusal(HttpContext http)
    {
        http.Response.Headers["Tus-Resumable"] = Version;
        if (http.Request.Headers["Tus-Resumable"] == Version)
            return null;
        http.Response.Headers["Tus-Version"] = Version;
        return Problems.UnsupportedTusVersion.Problem();
    }

    static System.IO.Pipelines.PipeReader Body(HttpContext http)
    {
        // The size of the file bounds it, and of that no more than a few chunks are in memory at a time.
        http.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize = null;
        return http.Request.BodyReader;
    }

    static bool IsOfBytes(HttpRequest request) => request.ContentType?.Split(';')[0].Trim().Equals(ContentType, StringComparison.OrdinalIgnoreCase) == true;

    static (UploadChecksum? Checksum, IResult? Invalid) ChecksumOf(HttpRequest request)
    {
        if (request.Headers["Upload-Checksum"] is not [{ } header])
            return (null, null);
        var sum = new byte[64];
        return header.Split(' ') is [var algorithm, var base64] && Algorithms.TryGetValue(algorithm, out var known)
            && Convert.TryFromBase64String(base64, sum, out var length) && length == known.Bytes
            ? (new UploadChecksum(known.Name, sum[..length]), null)
            : (null, Problems.InvalidHeader.Problem($"Upload-Checksum must be one of {string.Join(", ", Algorithms.Keys)}, a space, and base64."));
    }

    /// <summary>Whether the metadata is well formed, and the name in it.</summary>
    static bool TryReadName(string metadata, out string? name)
    {
        name = null;
        foreach (var pair in metadata.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var value = new byte[MetadataCharactersMax];
            if (pair.Split(' ') is not ([_] or [_, _]) || !Convert.TryFromBase64String(pair.Split(' ').ElementAtOrDefault(1) ?? "", value, out var length))
                return false;
            if (pair.Split(' ')[0] is "filename" or "name")
                name ??= Encoding.UTF8.GetString(value, 0, length);
        }

        return true;
    }

    static long? Number(Microsoft.Extensions.Primitives.StringValues header) =>
        header is [{ } text] && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
