using System.Text.Json.Nodes;
using Streaming.Protocol;

namespace Streaming.Files;

/// <summary>A file as its row says. Times are UTC.</summary>
/// <param name="Id">The file, which is also its session.</param>
/// <param name="Name">For a person, clean of anything that could be a path.</param>
/// <param name="Metadata">What the client said of it, in the form of tus.</param>
/// <param name="Size">Bytes, when it is complete.</param>
/// <param name="Status"><c>uploading</c> or <c>stored</c>.</param>
/// <param name="ContentType">What its bytes look like, when it is stored.</param>
/// <param name="Crc32C">Of all of it, when it is stored.</param>
/// <param name="ModifiedAt">When its bytes were last written, when it is stored.</param>
/// <param name="ExpiresAt">When its upload is removed if it stands still.</param>
/// <param name="TransformId">Its upload.</param>
/// <param name="Position">Bytes of the upload that are surely on disk.</param>
public sealed record StoredFile(
    Guid Id, string Name, string Metadata, long Size, string Status, string? ContentType, long? Crc32C, DateTime? ModifiedAt, DateTime ExpiresAt,
    Guid TransformId, long Position)
{
    public const string Uploading = "uploading";
    public const string Stored = "stored";

    public bool IsStored => Status == Stored;

    /// <summary>Strong entity tag of its content, which never changes.</summary>
    public string ETag => TagOf(Crc32C!.Value, Size);

    public FileStamp Stamp => new(Size, ModifiedAt!.Value);

    public static string TagOf(long crc32C, long size) => $"\"{crc32C:x8}-{size:x}\"";

    /// <summary>What its state and its <c>result</c> say of it.</summary>
    public static string Result(Guid id, string name, string contentType, long size, uint crc32C) => new JsonObject
    {
        ["name"] = name,
        ["contentType"] = contentType,
        ["bytes"] = size,
        ["crc32c"] = $"{crc32C:x8}",
        ["url"] = $"/api/files/{id}/content",
    }.ToJsonString(ProtocolJson.Relaxed);

    public string Result() => Result(Id, Name, ContentType!, Size, (uint)Crc32C!);
}
