using System.Net.Mime;
using Microsoft.Net.Http.Headers;
using Streaming.Files;
using Streaming.Protocol;

namespace Streaming.Http;

/// <summary>Files that are stored: their state, and their bytes with ranges (RFC 9110), whole or from where a client broke off.</summary>
public sealed class FileRoutes(FileUploads files, FileDownloads downloads, FileStreams streams)
{
    // Whatever somebody uploaded: opened by itself it runs nothing, loads nothing, and is of no origin.
    const string ContentSecurityPolicy = "default-src 'none'; sandbox";

    public static void Map(IEndpointRouteBuilder routes)
    {
        var group = SessionRoutes.MapReads<FileState>(routes, routes.ServiceProvider.GetRequiredService<FileKind>());
        UploadRoutes.Map(group);
        group.MapGet("/{id}/content", (string id, HttpContext http, FileRoutes self) => self.SendAsync(id, http))
            .WithSummary("The bytes of a file, all or one range; ?download= tells their progress").Produces(200, contentType: MediaTypeNames.Application.Octet)
            .Produces(206, contentType: MediaTypeNames.Application.Octet).Produces(304).ProducesProblem(400).ProducesProblem(404).ProducesProblem(409)
            .ProducesProblem(412).ProducesProblem(416).ProducesProblem(503);
        group.MapMethods("/{id}/content", [HttpMethods.Head], (string id, HttpContext http, FileRoutes self) => self.SendAsync(id, http)).ExcludeFromDescription();
        group.MapPost("/{id}/downloads", (string id, HttpContext http, FileRoutes self) => self.DownloadAsync(id, http))
            .WithSummary("Begins a download whose progress is told on the file's stream").Produces<FileDownload>(201).ProducesProblem(400).ProducesProblem(404).ProducesProblem(409);
    }

    async Task<IResult> DownloadAsync(string id, HttpContext http)
    {
        if (!Guid.TryParse(id, out var fileId))
            return Problems.InvalidId.Problem();
        var (transformId, status) = await downloads.CreateAsync(fileId, http.Id(), http.RequestAborted);
        if (status is null)
            return Problems.NotFound.Problem();
        if (status == StoredFile.Uploading)
            return Incomplete();
        var download = new FileDownload(transformId, $"/api/files/{fileId}/content?download={transformId}", $"/api/stream/file/{fileId}");
        return Results.Json(download, ProtocolJson.Wire.FileDownload, statusCode: StatusCodes.Status201Created);
    }

    async Task<IResult> SendAsync(string id, HttpContext http)
    {
        if (!Guid.TryParse(id, out var fileId))
            return Problems.InvalidId.Problem();
        Guid? transformId = null;
        if (http.Request.Query["download"] is [{ } text, ..])
            transformId = Guid.TryParse(text, out var parsed) ? parsed : Guid.Empty;
        if (await files.ReadAsync(fileId, http.Id(), http.RequestAborted) is not { } file)
            return Problems.NotFound.Problem();
        if (!file.IsStored)
            return Incomplete();

        Describe(http.Response, file);
        var request = http.Request.GetTypedHeaders();
        if (request.IfMatch is { Count: > 0 } wanted && !wanted.Any(tag => tag.Tag == file.ETag && !tag.IsWeak || tag.Tag == "*"))
            return Problems.PreconditionFailed.Problem();
        if (request.IfNoneMatch.Any(tag => tag.Tag == file.ETag || tag.Tag == "*"))
            return Results.StatusCode(StatusCodes.Status304NotModified);
        var range = RangeOf(request, file);
        if (range is { From: var begin } && begin >= file.Size)
        {
            http.Response.Headers.ContentRange = $"bytes */{file.Size}";
            return Problems.RangeNotSatisfiable.Problem();
        }

        var (from, to) = range ?? (0, file.Size);
        if (HttpMethods.IsHead(http.Request.Method))
        {
            Begin(http.Response, file, from, to, range is not null);
            return Results.Empty;
        }

        using var operation = await streams.AdmitAsync(FileDirection.Download, file.Size, http.RequestAborted);
        if (operation is null)
        {
            http.Response.Headers.RetryAfter = "5";
            return Problems.FilesBusy.Problem();
        }

        try
        {
            using var source = await downloads.OpenAsync(file, operation, http.RequestAborted);
            // One that has ended is told no more. Its last bytes may have been lost on the way, so it is answered all the same.
            var progress = transformId is { } transform
                ? await downloads.ResumeAsync(file, http.Id(), transform, from, source, operation, http.RequestAborted)
                : null;
            // The file is not what it was: all of it, as to one whose If-Range does not fit.
            if (progress is not null && progress.Position != from)
                (from, to, range) = (0, file.Size, null);
            Begin(http.Response, file, from, to, range is not null);
            FileFault? fault = null;
            try
            {
                // What is written before the headers is copied once more.
                await http.Response.StartAsync(http.RequestAborted);
                await downloads.SendAsync(source, operation, http.Response.BodyWriter, from, to, progress, http.RequestAborted);
            }
            catch (FileFaultException broken)
            {
                fault = broken.Fault;
                throw;
            }
            finally
            {
                if (progress is not null)
                    await downloads.EndAsync(file, source, progress, fault);
            }
        }
        catch (FileFaultException fault) when (!http.Response.HasStarted)
        {
            http.Response.Clear();
            return Problems.FileDamaged.Problem(fault.Message);
        }
        catch (Exception fault) when (fault is FileFaultException or OperationCanceledException or IOException)
        {
            // In the middle: a cut says that it is not whole. Or the client has gone.
            http.Abort();
        }

        return Results.Empty;
    }

    static void Describe(HttpResponse response, StoredFile file)
    {
        response.Headers.ETag = file.ETag;
        response.Headers.LastModified = HeaderUtilities.FormatDate(file.ModifiedAt!.Value);
        response.Headers.AcceptRanges = "bytes";
        response.Headers.ContentSecurityPolicy = ContentSecurityPolicy;
    }

    static void Begin(HttpResponse response, StoredFile file, long from, long to, bool isPart)
    {
        response.StatusCode = isPart ? StatusCodes.Status206PartialContent : StatusCodes.Status200OK;
        response.ContentType = file.ContentType;
        response.ContentLength = to - from;
        if (isPart)
            response.Headers.ContentRange = $"bytes {from}-{to - 1}/{file.Size}";
        var disposition = new ContentDispositionHeaderValue("attachment");
        disposition.SetHttpFileName(file.Name);
        response.Headers.ContentDisposition = disposition.ToString();
    }

    /// <summary>The one range that is asked for and whose condition holds; null: all of it. Several are answered with all of it too.</summary>
    static (long From, long To)? RangeOf(Microsoft.AspNetCore.Http.Headers.RequestHeaders request, StoredFile file)
    {
        if (request.Range is not { Unit.Value: "bytes", Ranges: { Count: 1 } ranges } || request.Headers.IfRange is [{ } condition] && condition != file.ETag)
            return null;
        return ranges.Single() switch
        {
            { From: { } from, To: var to } => (from, Math.Min(to ?? long.MaxValue - 1, file.Size - 1) + 1),
            // The last so many bytes; none at all is not satisfiable.
            { To: { } count } => (count == 0 ? file.Size : Math.Max(0, file.Size - count), file.Size),
            _ => null,
        };
    }

    static IResult Incomplete() => Problems.Conflict.Problem("The upload is not complete.");
}
