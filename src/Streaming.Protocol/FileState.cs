namespace Streaming.Protocol;

/// <summary>A file: what was announced, and what is stored.</summary>
public sealed record FileState : SessionState
{
    /// <summary>What the status is of: <c>upload</c>, or the newest <c>download</c> with progress.</summary>
    public required string Operation { get; init; }
    public required string Name { get; init; }

    /// <summary>Bytes, as announced.</summary>
    public required long Size { get; init; }

    /// <summary>When all bytes are there.</summary>
    public FileContent? File { get; init; }
}

/// <param name="Name">For a person.</param>
/// <param name="ContentType">What the bytes look like, whatever the client said.</param>
/// <param name="Bytes">How many.</param>
/// <param name="Crc32c">CRC-32C of them, in hex.</param>
/// <param name="Url">Where to download it.</param>
public sealed record FileContent(string Name, string ContentType, long Bytes, string Crc32c, string Url);

/// <summary>A download with progress.</summary>
/// <param name="TransformId">Its transform.</param>
/// <param name="ContentUrl">Where to download, and to come back to.</param>
/// <param name="StreamUrl">Where its progress is told.</param>
public sealed record FileDownload(Guid TransformId, string ContentUrl, string StreamUrl);
