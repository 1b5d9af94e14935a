using System.IO.Compression;
using System.Net.Mime;
using Microsoft.Net.Http.Headers;
using Streaming.Protocol;
using Streaming.Sessions;

namespace Streaming.Http;

/// <summary>What a session has made: listed, one by one, or all in one zip.</summary>
public sealed class ArtifactRoutes(ArtifactReader reader)
{
    // A file that a model had a part in: opened by itself it runs nothing, loads nothing, and is of no origin.
    const string ContentSecurityPolicy = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

    public static void Map(RouteGroupBuilder group, ISessionKind kind)
    {
        group.MapGet("/{id}/artifacts", (string id, HttpContext http, ArtifactRoutes self) => self.ListAsync(kind, id, http))
            .WithSummary("What was made, complete or as far as it has come").Produces<ArtifactList>().ProducesProblem(400).ProducesProblem(404);
        group.MapGet("/{id}/artifacts.zip", (string id, HttpContext http, ArtifactRoutes self) => self.ZipAsync(kind, id, http))
            .WithSummary("All of it in one zip").Produces(200, contentType: MediaTypeNames.Application.Zip).ProducesProblem(400).ProducesProblem(404);
        group.MapGet("/{id}/artifacts/{artifactId}", (string id, string artifactId, HttpContext http, ArtifactRoutes self) => self.ReadAsync(kind, id, artifactId, http))
            .WithSummary("One artifact: its file, or its data as JSON").Produces(200, contentType: MediaTypeNames.Application.Octet)
            .Produces(StatusCodes.Status304NotModified).ProducesProblem(400).ProducesProblem(404);
    }

    async Task<IResult> ListAsync(ISessionKind kind, string id, HttpContext http)
    {
        if (!Guid.TryParse(id, out var sessionId))
            return Problems.InvalidId.Problem();
        if (await reader.ListAsync(kind.Name, sessionId, http.Id(), http.RequestAborted) is not { } entries)
            return Problems.NotFound.Problem();
        return Results.Json(new ArtifactList([.. entries.Select(entry => new ArtifactItem(
            entry.Id!.Value, entry.Type!, entry.Position!.Value, NameOf(entry.Type!, entry.Position.Value, entry.Name, entry.ContentType),
            entry.ContentType ?? MediaTypeNames.Application.Json, entry.Bytes!.Value, entry.ContentHash,
            $"/api/{kind.Plural}/{sessionId}/artifacts/{entry.Id}"))]), ProtocolJson.Wire.ArtifactList);
    }

    async Task<IResult> ReadAsync(ISessionKind kind, string id, string artifactId, HttpContext http)
    {
        if (!Guid.TryParse(id, out var sessionId) || !Guid.TryParse(artifactId, out var artifact))
            return Problems.InvalidId.Problem();
        if (await reader.ReadAsync(kind.Name, sessionId, http.Id(), artifact, http.RequestAborted) is not { } found)
            return Problems.NotFound.Problem();
        http.Response.Headers.ContentSecurityPolicy = ContentSecurityPolicy;
        return Results.File(found.Content, TypeOf(found.ContentType), NameOf(found.Type, found.Position, found.Name, found.ContentType),
            entityTag: found.ContentHash is null ? null : new EntityTagHeaderValue($"\"{found.ContentHash}\""));
    }

    async Task<IResult> ZipAsync(ISessionKind kind, string id, HttpContext http)
    {
        if (!Guid.TryParse(id, out var sessionId))
            return Problems.InvalidId.Problem();
        var userId = http.Id();
        if (await reader.ListAsync(kind.Name, sessionId, userId, http.RequestAborted) is not { } entries)
            return Problems.NotFound.Problem();
        // One file in memory at a time; the answer has begun before the last one is read.
        return Results.Stream(async body =>
        {
            var output = new DeferredWrites(body);
            await WriteAsync(output);
            await output.FlushAsync(http.RequestAborted);
        }, MediaTypeNames.Application.Zip, $"{kind.Name}-{sessionId}.zip");

        async Task WriteAsync(Stream output)
        {
            await using var zip = await ZipArchive.CreateAsync(output, ZipArchiveMode.Create, leaveOpen: true, entryNameEncoding: null, http.RequestAborted);
            var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
            foreach (var entry in entries)
            {
                if (await reader.ReadAsync(kind.Name, sessionId, userId, entry.Id!.Value, http.RequestAborted) is not { } found)
                    continue;
                var name = NameOf(found.Type, found.Position, found.Name, found.ContentType);
                await using var file = await zip.CreateEntry(names.Add(name) ? name : $"{entry.Id}-{name}").OpenAsync(http.RequestAborted);
                await file.WriteAsync(found.Content, http.RequestAborted);
            }
        }
    }

    static string TypeOf(string? contentType) => contentType switch
    {
        null => MediaTypeNames.Application.Json,
        _ when contentType.StartsWith("text/", StringComparison.Ordinal) => $"{contentType}; charset=utf-8",
        _ => contentType,
    };

    /// <summary>A name for a file: letters, digits, <c>.</c>, <c>-</c> and <c>_</c> of its own, or one of type and place.</summary>
    static string NameOf(string type, int position, string? name, string? contentType)
    {
        var own = contentType is null ? "" : Plain(name ?? "").TrimStart('.');
        return own.Length > 0 ? own : $"{Plain(type)}-{position}{(contentType is null ? ".json" : ".bin")}";

        static string Plain(string text) => string.Concat(text.Where(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_').Take(100));
    }
}
