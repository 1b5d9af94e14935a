using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Streaming.Messages;
using Streaming.Protocol;

namespace Streaming.Imports;

/// <summary>
/// The lines of one source, which become one session with one ended transform. Ids are made of the source's, so that the same
/// file makes the same session.
/// </summary>
public sealed class ImportSource(string id)
{
    /// <summary>Of one source's messages, because it is written in one statement.</summary>
    public const int BytesMax = 64 * 1024 * 1024;

    readonly SortedDictionary<int, ImportLine> _lines = [];
    ImportLine? _first;
    int _bytes;

    /// <summary>Why the source cannot be imported, found while its lines were read; null if nothing is wrong.</summary>
    public string? Refusal { get; private set; }

    public string Id { get; } = id;
    public int Lines { get; private set; }
    public string Kind => _first!.Kind ?? throw new ImportRefusedException("kind is missing in its first line");
    public string UserId => _first!.UserId ?? "local";
    public string Input => _first!.Input ?? "{}";
    public DateTimeOffset CreatedAt => _first!.CreatedAt ?? _first.Time ?? DateTimeOffset.UnixEpoch;
    public string Status => _first!.Status ?? "completed";
    public string Key => $"import:{Id}";
    public Guid SessionId => _first!.SessionId ?? Derived("session");
    public Guid TransformId => Derived("transform");

    /// <summary>Adds a line; the order is that of the indexes, whatever the order in the file.</summary>
    public void Add(ImportLine line)
    {
        Lines++;
        _first ??= line;
        if (Refusal is not null)
            return;
        if (!_lines.TryAdd(line.Index, line))
            Refusal ??= _lines[line.Index].Data == line.Data ? null : $"index {line.Index} is there twice, with different content";
        else if ((_bytes += line.Size) > BytesMax)
            Refuse($"it has more than {BytesMax} bytes");
    }

    /// <summary>One of its lines was refused, or it is too large: nothing of it is imported, and nothing more of it is kept.</summary>
    public void Refuse(string reason)
    {
        Refusal ??= reason;
        _lines.Clear();
        _bytes = 0;
    }

    /// <summary>All messages of the transform: <c>start</c>, the source's own, <c>end</c>.</summary>
    /// <exception cref="ImportRefusedException">Something is missing among them.</exception>
    public IReadOnlyList<MessageRow> Messages()
    {
        if (Refusal is not null)
            throw new ImportRefusedException(Refusal);
        var expected = 0;
        foreach (var index in _lines.Keys)
            if (index != expected++)
                throw new ImportRefusedException($"index {expected - 1} is missing");
        var rows = new List<MessageRow>(_lines.Count + 2) { new(0, MessageTypes.Start, ProtocolJson.Utf8(new StartMessage(Kind, TransformId, null, null, [])), CreatedAt) };
        var time = CreatedAt;
        foreach (var line in _lines.Values)
            rows.Add(new MessageRow(line.Index + 1, line.Type, Encoding.UTF8.GetBytes(line.Type == MessageTypes.Artifact ? WithId(line) : line.Data), time = line.Time ?? time));
        rows.Add(new MessageRow(rows.Count, MessageTypes.End, ProtocolJson.Utf8(new EndMessage(Status)), time));
        return rows;
    }

    /// <summary>The artifacts that its <c>artifact</c> messages tell of.</summary>
    /// <exception cref="ImportRefusedException">One has not the fields of an artifact.</exception>
    public IReadOnlyList<ArtifactChange> Artifacts() =>
    [
        .. _lines.Values.Where(line => line.Type == MessageTypes.Artifact).Select(line =>
        {
            using var document = JsonDocument.Parse(line.Data);
            return document.RootElement.TryGetProperty("artifactType", out var type) && type.ValueKind == JsonValueKind.String
                && document.RootElement.TryGetProperty("position", out var place) && place.ValueKind == JsonValueKind.Number && place.TryGetInt32(out var position)
                && document.RootElement.TryGetProperty("data", out var data) && data.ValueKind == JsonValueKind.Object
                ? new ArtifactChange(ArtifactId(line), type.GetString()!, position, data.GetRawText())
                : throw new ImportRefusedException($"the artifact at index {line.Index} needs artifactType, position and data");
        }),
    ];

    Guid ArtifactId(ImportLine line) => Derived($"artifact {line.Index}");

    string WithId(ImportLine line)
    {
        var fields = JsonNode.Parse(line.Data)!.AsObject();
        fields["artifactId"] = ArtifactId(line);
        return fields.ToJsonString();
    }

    /// <summary>A version 7 id: the time it was created, so that lists have it in its place, then a hash in place of chance.</summary>
    Guid Derived(string part)
    {
        Span<byte> bytes = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes($"{part}\n{Id}"), bytes);
        Span<byte> time = stackalloc byte[8];
        BinaryPrimitives.WriteInt64BigEndian(time, Math.Max(0, CreatedAt.ToUnixTimeMilliseconds()));
        time[2..].CopyTo(bytes);
        bytes[6] = (byte)(0x70 | (bytes[6] & 0x0F));
        bytes[8] = (byte)(0x80 | (bytes[8] & 0x3F));
        return new Guid(bytes[..16], bigEndian: true);
    }
}
