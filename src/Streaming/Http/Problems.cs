using System.Text.Json;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Mvc;
using Streaming.Database;

namespace Streaming.Http;

/// <summary>A kind of problem: its stable code, status, and title. The one table of them is <see cref="Problems.Table"/>.</summary>
public sealed record ProblemKind(string Code, int Status, string Title);

/// <summary>Everything that can be wrong with a request, as RFC 9457 problem details with a stable <c>code</c>.</summary>
public static class Problems
{
    public static readonly ProblemKind InvalidBody = new("invalid_body", 400, "The body is not what this request takes.");
    public static readonly ProblemKind InvalidFields = new("invalid_fields", 400, "Some fields are not valid.");
    public static readonly ProblemKind InvalidId = new("invalid_id", 400, "The id is not a UUID.");
    public static readonly ProblemKind InvalidCursor = new("invalid_cursor", 400, "The cursor is not one of ours.");
    public static readonly ProblemKind InvalidHeader = new("invalid_header", 400, "A header is not valid.");
    public static readonly ProblemKind Unauthenticated = new("unauthenticated", 401, "This needs a bearer token.");
    public static readonly ProblemKind InvalidToken = new("invalid_token", 401, "The bearer token is not valid.");
    public static readonly ProblemKind InvalidTicket = new("invalid_ticket", 401, "The ticket does not open this stream, or no longer.");
    public static readonly ProblemKind CrossSite = new("cross_site", 403, "A page of another site may not ask for this.");
    public static readonly ProblemKind AdminOnly = new("admin_only", 403, "This is for those who run the service.");
    public static readonly ProblemKind NotFound = new("not_found", 404, "There is no such thing here.");
    public static readonly ProblemKind UnknownKind = new("unknown_kind", 404, "There is no such kind of session.");
    public static readonly ProblemKind MethodNotAllowed = new("method_not_allowed", 405, "This method is not for this address.");
    public static readonly ProblemKind Conflict = new("conflict", 409, "That makes no sense in the present state.");
    public static readonly ProblemKind GuidanceLimitReached = new("guidance_limit_reached", 409, "The session has taken as much guidance as it can.");
    public static readonly ProblemKind OffsetMismatch = new("offset_mismatch", 409, "The bytes do not begin where those that are there end.");
    public static readonly ProblemKind PreconditionFailed = new("precondition_failed", 412, "The file is not the one that If-Match names.");
    public static readonly ProblemKind UnsupportedTusVersion = new("unsupported_tus_version", 412, "Tus-Resumable must be 1.0.0.");
    public static readonly ProblemKind BodyTooLarge = new("body_too_large", 413, "The body is larger than Limits:BodyBytesMax.");
    public static readonly ProblemKind FileTooLarge = new("file_too_large", 413, "The file is larger than it may be, or than was announced.");
    public static readonly ProblemKind DocumentTooLarge = new("document_too_large", 413, "The file is larger than Documents:BytesMax.");
    public static readonly ProblemKind UploadTooLarge = new("upload_too_large", 413, "The file is larger than Uploads:BytesMax.");
    public static readonly ProblemKind UnsupportedMediaType = new("unsupported_media_type", 415, "The body is not of the media type that this request takes.");
    public static readonly ProblemKind ImageUnsupported = new("image_unsupported", 415, "The file is no image of a format that is taken.");
    public static readonly ProblemKind DocumentUnsupported = new("document_unsupported", 415, "The file is no text.");
    public static readonly ProblemKind RangeNotSatisfiable = new("range_not_satisfiable", 416, "The file has no such bytes.");
    public static readonly ProblemKind HostNotAllowed = new("host_not_allowed", 421, "The service does not answer to this host name.");
    public static readonly ProblemKind IdempotencyKeyReused = new("idempotency_key_reused", 422, "This Idempotency-Key was used with another body.");
    public static readonly ProblemKind ImageMislabelled = new("image_mislabelled", 422, "The image is of another format than its content type says.");
    public static readonly ProblemKind ImageTruncated = new("image_truncated", 422, "The image ends before it is complete.");
    public static readonly ProblemKind ImageDamaged = new("image_damaged", 422, "The image contradicts itself.");
    public static readonly ProblemKind ImagePolyglot = new("image_polyglot", 422, "The image is a file of another kind as well.");
    public static readonly ProblemKind ImageTooLarge = new("image_too_large", 422, "The image has more pixels than Images:PixelsMax.");
    public static readonly ProblemKind DocumentEmpty = new("document_empty", 422, "There is nothing in the file.");
    public static readonly ProblemKind UpgradeRequired = new("upgrade_required", 426, "This address is for WebSocket connections.");
    public static readonly ProblemKind TooManyRequests = new("too_many_requests", 429, "You ask too often.");
    public static readonly ProblemKind TooManySessions = new("too_many_sessions", 429, "You have as many sessions in progress as you may have.");
    public static readonly ProblemKind TooManyUploads = new("too_many_uploads", 429, "You have as many uploads in progress as you may have.");
    public static readonly ProblemKind ChecksumMismatch = new("checksum_mismatch", 460, "The bytes are not those that the checksum is of.");
    public static readonly ProblemKind Internal = new("internal", 500, "Something went wrong inside the service.");
    public static readonly ProblemKind FileDamaged = new("file_damaged", 500, "The file is not there any more, or not what was stored.");
    public static readonly ProblemKind DatabaseUnavailable = new("database_unavailable", 503, "The database cannot be reached at the moment.");
    public static readonly ProblemKind FilesBusy = new("files_busy", 503, "As many files are being streamed as can be.");
    public static readonly ProblemKind StorageFull = new("storage_full", 507, "There is no room for this file.");

    public static readonly ProblemKind UploadsBusy = new("uploads_busy", 503, "As many uploads are being received as can be.");

    public static IReadOnlyList<ProblemKind> Table { get; } =
    [
        InvalidBody, InvalidFields, InvalidId, InvalidCursor, InvalidHeader, Unauthenticated, InvalidToken, InvalidTicket, CrossSite, AdminOnly, NotFound, UnknownKind,
        MethodNotAllowed, Conflict, GuidanceLimitReached, OffsetMismatch, PreconditionFailed, UnsupportedTusVersion, BodyTooLarge, FileTooLarge, DocumentTooLarge, UploadTooLarge,
        UnsupportedMediaType, ImageUnsupported, DocumentUnsupported, RangeNotSatisfiable, HostNotAllowed, IdempotencyKeyReused, ImageMislabelled, ImageTruncated,
        ImageDamaged, ImagePolyglot, ImageTooLarge, DocumentEmpty, UpgradeRequired, TooManyRequests, TooManySessions, TooManyUploads, ChecksumMismatch, Internal, FileDamaged,
        DatabaseUnavailable, UploadsBusy, FilesBusy, StorageFull,
    ];

    /// <summary>An answer that says what is wrong.</summary>
    /// <param name="kind">What kind of problem.</param>
    /// <param name="detail">What exactly, for a person.</param>
    /// <param name="errors">Messages by field.</param>
    /// <param name="extensions">Further members, such as the state that a request conflicts with.</param>
    public static IResult Problem(
        this ProblemKind kind, string? detail = null, IReadOnlyDictionary<string, string[]>? errors = null,
        IReadOnlyDictionary<string, object?>? extensions = null)
    {
        var members = new Dictionary<string, object?> { ["code"] = kind.Code };
        if (errors is { Count: > 0 })
            members["errors"] = errors;
        foreach (var (name, value) in extensions ?? new Dictionary<string, object?>())
            members[name] = value;
        return Results.Problem(detail, statusCode: kind.Status, title: kind.Title, type: $"urn:streaming:problem:{kind.Code}", extensions: members);
    }

    /// <summary>Answers that the framework makes by itself (no route, wrong method) get their code here.</summary>
    public static void Complete(ProblemDetailsContext context)
    {
        var problem = context.ProblemDetails;
        if (problem.Extensions.ContainsKey("code"))
            return;
        var kind = Table.FirstOrDefault(kind => kind.Status == problem.Status && kind != UnknownKind && kind != InvalidBody)
            ?? (problem.Status < 500 ? InvalidBody : Internal);
        Describe(problem, kind);
    }

    static void Describe(ProblemDetails problem, ProblemKind kind)
    {
        (problem.Title, problem.Type) = (kind.Title, $"urn:streaming:problem:{kind.Code}");
        problem.Extensions["code"] = kind.Code;
    }

    /// <summary>Turns what a handler throws into an answer; logs what nobody expected.</summary>
    public static async Task HandleExceptionAsync(HttpContext context)
    {
        var fault = context.Features.Get<IExceptionHandlerFeature>()!.Error;
        var result = fault switch
        {
            DatabaseUnavailableException => DatabaseUnavailable.Problem(),
            BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } => BodyTooLarge.Problem(),
            BadHttpRequestException bad => InvalidBody.Problem(bad.Message),
            JsonException bad => InvalidBody.Problem(bad.Message),
            _ => Internal.Problem(),
        };
        if (fault is DatabaseUnavailableException)
            context.Response.Headers.RetryAfter = "2";
        await result.ExecuteAsync(context);
    }
}
