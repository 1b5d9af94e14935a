namespace Streaming.Protocol;

/// <summary>An image that was uploaded: what came, what it is to become, and, once it is ready, what it became.</summary>
public sealed record UploadState : SessionState
{
    /// <summary><c>urgent</c>, <c>high</c>, <c>normal</c> or <c>low</c>.</summary>
    public required string Priority { get; init; }
    public required string? FileName { get; init; }

    /// <summary>Width times height of what came.</summary>
    public required long Pixels { get; init; }
    public required ReceivedImage Received { get; init; }
    public required ImageGoalState Goal { get; init; }

    /// <summary>Name of the file; with all that follow, once it is ready.</summary>
    public string? Name { get; init; }
    public string? ContentType { get; init; }
    public int? Width { get; init; }
    public int? Height { get; init; }

    /// <summary>Bytes of what came.</summary>
    public int? OriginalSize { get; init; }

    /// <summary>Bytes of what it became.</summary>
    public int? CompressedSize { get; init; }

    /// <summary>The second by the first: 0.4 is 60 % smaller.</summary>
    public double? CompressionRatio { get; init; }

    /// <summary><c>quality</c>, <c>fewer_pixels</c>, or <c>original</c>: it is kept as it came.</summary>
    public string? Strategy { get; init; }

    /// <summary>Quality it was encoded with, 0-100; none for an original.</summary>
    public int? Quality { get; init; }

    /// <summary>Mean structural similarity of the luma to the image before it was encoded; none for an original.</summary>
    public double? Ssim { get; init; }

    /// <summary>How often it was encoded until it was right.</summary>
    public int? Encodes { get; init; }

    /// <summary>From the request to the result.</summary>
    public long? ElapsedMs { get; init; }

    /// <summary>What the priority asks for; none for a low one.</summary>
    public long? TargetMs { get; init; }
    public bool? MetTarget { get; init; }
    public Guid? ArtifactId { get; init; }

    /// <summary>Where to download it.</summary>
    public string? Url { get; init; }
}

/// <param name="ContentType">By its bytes.</param>
/// <param name="Bytes">Without what a camera has put behind the image.</param>
/// <param name="Width">In pixels, before it is turned the right way up.</param>
/// <param name="Height">In pixels.</param>
/// <param name="Sha256">Of these bytes, in hex.</param>
public sealed record ReceivedImage(string ContentType, int Bytes, int Width, int Height, string Sha256);

/// <param name="Format"><c>webp</c> or <c>jpeg</c>.</param>
/// <param name="EdgePixels">Longest side at most.</param>
/// <param name="BytesMax">Size at most; none: a share of the original's.</param>
public sealed record ImageGoalState(string Format, int EdgePixels, int? BytesMax);
