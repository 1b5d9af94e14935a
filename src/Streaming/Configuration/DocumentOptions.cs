namespace Streaming.Configuration;

/// <summary>Section <c>Documents</c>: texts that outlines are made from, and how they are condensed.</summary>
public sealed class DocumentOptions
{
    /// <summary>Bytes of one document at most; default 128 MiB. More: 413 <c>document_too_large</c>.</summary>
    public long BytesMax { get; set; } = 128L * 1024 * 1024;

    /// <summary>UTF-16 characters of one passage, and of the summaries that are merged in one call, at most; default 24,000: about 6,000 tokens.</summary>
    public int PassageCharacters { get; set; } = 24_000;

    /// <summary>Passages that one run has the model summarise at once; default 4.</summary>
    public int PassagesAtOnce { get; set; } = 4;

    /// <summary>Characters of one summary at most; default 1,200. A quarter of <see cref="PassageCharacters"/> at most: each round of merging must leave less.</summary>
    public int SummaryCharacters { get; set; } = 1_200;

    /// <summary>Characters of what the outline itself is made from at most; default 12,000. A text that is no longer is used as it is.</summary>
    public int SourceCharacters { get; set; } = 12_000;
}
