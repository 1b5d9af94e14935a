using System.Text;
using System.Text.Unicode;

namespace Streaming.Files;

/// <summary>What a file is called and looks like, from what nobody needs to trust.</summary>
public static class FileNames
{
    const int CharactersMax = 200;
    const string Unnamed = "file";

    /// <summary>The last part of a name, without control characters; never a path, and never empty.</summary>
    public static string Clean(string? name)
    {
        var clean = new StringBuilder();
        foreach (var rune in (name ?? "").Split('/', '\\')[^1].EnumerateRunes())
            if (!Rune.IsControl(rune) && clean.Length < CharactersMax)
                clean.Append(rune);
        var result = clean.ToString().Trim();
        return result.Trim('.').Length == 0 ? Unnamed : result;
    }

    /// <summary>The media type that the first bytes of a file speak of. What a client says it is does not count.</summary>
    /// <param name="head">Its beginning; 512 bytes are enough.</param>
    /// <param name="name">Its name: tells Markdown from other text.</param>
    public static string ContentTypeOf(ReadOnlySpan<byte> head, string name) => head switch
    {
        [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A, ..] => "image/png",
        [0xFF, 0xD8, 0xFF, ..] => "image/jpeg",
        [(byte)'G', (byte)'I', (byte)'F', (byte)'8', ..] => "image/gif",
        [(byte)'R', (byte)'I', (byte)'F', (byte)'F', _, _, _, _, (byte)'W', (byte)'E', (byte)'B', (byte)'P', ..] => "image/webp",
        [_, _, _, _, (byte)'f', (byte)'t', (byte)'y', (byte)'p', (byte)'h', (byte)'e', (byte)'i', ..] => "image/heic",
        [(byte)'%', (byte)'P', (byte)'D', (byte)'F', (byte)'-', ..] => "application/pdf",
        [(byte)'P', (byte)'K', 3, 4, ..] => "application/zip",
        [0x1F, 0x8B, ..] => "application/gzip",
        _ when !IsText(head) => "application/octet-stream",
        _ when name.EndsWith(".md", StringComparison.OrdinalIgnoreCase) || name.EndsWith(".markdown", StringComparison.OrdinalIgnoreCase) => "text/markdown",
        _ => "text/plain",
    };

    static bool IsText(ReadOnlySpan<byte> head)
    {
        // UTF-16 with its mark; UTF-8 with or without, without control characters but those of lines and pages.
        if (head is [0xFF, 0xFE, ..] or [0xFE, 0xFF, ..])
            return true;
        foreach (var one in head)
            if (one < 0x20 && one is not (0x09 or 0x0A or 0x0C or 0x0D or 0x1B))
                return false;
        // The cut may go through a character.
        for (var cut = 0; cut <= Math.Min(3, head.Length); cut++)
            if (Utf8.IsValid(head[..^cut]))
                return true;
        return false;
    }
}
