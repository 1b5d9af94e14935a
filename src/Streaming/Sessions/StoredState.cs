using System.Buffers;
using System.Text.Json;
using Npgsql;
using Streaming.Protocol;
using Streaming.Sse;

namespace Streaming.Sessions;

/// <summary>A stage as it stands in the table.</summary>
public readonly record struct StoredStage(string Name, string Label, float Weight, string Status);

/// <summary>What the user has said to guide the generation; <paramref name="Applied"/>: the newest transform goes by it.</summary>
public readonly record struct SaidGuidance(Guid Id, string Text, DateTimeOffset At, bool Applied);

/// <summary>A message of type <c>chunk</c>.</summary>
/// <param name="Index">Its index.</param>
/// <param name="Json">The message as it stands in a frame: a JSON object in UTF-8, with the fields of its data.</param>
public readonly record struct StoredChunk(int Index, byte[] Json);

/// <summary>Everything about a session as <c>sessions/read_state.sql</c> and <c>sessions/read_state_messages.sql</c> tell it: one snapshot.</summary>
public sealed class StoredState
{
    readonly List<StoredChunk> _chunks = [];
    readonly List<(string Stage, int Index)> _restarts = [];
    readonly ArrayBufferWriter<byte> _json = new();

    public required Guid Id { get; init; }
    public required string Input { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }
    public required Guid TransformId { get; init; }
    public required int Ordinal { get; init; }
    public required string Status { get; init; }
    public required string? Error { get; init; }
    public required string ExecutionContext { get; init; }
    public required int? Head { get; init; }
    public required int ArtifactCount { get; init; }
    public required IReadOnlyList<StoredArtifact> Artifacts { get; init; }

    /// <summary>The newest message of type <c>progress</c>: a JSON object in UTF-8, see <see cref="MessageData"/>.</summary>
    public byte[]? Progress { get; private set; }

    public required IReadOnlyList<StoredStage> Stages { get; init; }

    /// <summary>Messages of type <c>chunk</c> that still count: the text of a stage that was begun anew is left out.</summary>
    public IReadOnlyList<StoredChunk> Chunks => _chunks;

    /// <summary>Stages that were begun anew, and the index of the message that says so.</summary>
    public IReadOnlyList<(string Stage, int Index)> Restarts => _restarts;

    public required IReadOnlyList<SaidGuidance> Guidance { get; init; }
    public required bool IsShortened { get; init; }
    public required int Attempt { get; init; }

    public SessionVersion Version => new(TransformId, Ordinal, Status, Head ?? -1, ArtifactCount, IsShortened, Attempt);

    /// <summary>Reads the results of both statements; null if there is no such session.</summary>
    public static async Task<StoredState?> ReadAsync(NpgsqlDataReader row, CancellationToken cancellation)
    {
        if (!await row.ReadAsync(cancellation))
            return null;
        var state = new StoredState
        {
            Id = row.GetGuid(0),
            Input = row.GetString(1),
            CreatedAt = row.GetFieldValue<DateTimeOffset>(2),
            TransformId = row.GetGuid(3),
            Ordinal = row.GetInt32(4),
            Status = row.GetString(5),
            Error = Optional<string>(row, 6),
            ExecutionContext = row.GetString(7),
            Head = row.IsDBNull(8) ? null : row.GetInt32(8),
            UpdatedAt = row.GetFieldValue<DateTimeOffset>(9),
            ArtifactCount = row.GetInt32(10),
            Artifacts = [.. Optional<string[]>(row, 11).OrEmpty().Zip(Optional<string[]>(row, 12).OrEmpty(), (type, data) => new StoredArtifact(type, data))],
            Progress = Optional<byte[]>(row, 13) is { } progress ? MessageData.Normalize(progress) : null,
            Stages = StagesOf(row),
            IsShortened = row.GetBoolean(18),
            Attempt = row.GetInt32(19),
            Guidance = GuidanceOf(row),
        };
        await row.NextResultAsync(cancellation);
        while (await row.ReadAsync(cancellation))
            state.Add(row.GetInt32(0), row.IsDBNull(1) ? MessageTypes.Chunk : row.GetString(1), MessageData.Normalize(row.GetFieldValue<byte[]>(2)), row.GetFieldValue<DateTimeOffset>(3));
        return state;
    }

    static List<StoredStage> StagesOf(NpgsqlDataReader row)
    {
        var names = Optional<string[]>(row, 14).OrEmpty();
        var stages = new List<StoredStage>(names.Length);
        for (var i = 0; i < names.Length; i++)
            stages.Add(new StoredStage(names[i], row.GetFieldValue<string[]>(15)[i], row.GetFieldValue<float[]>(16)[i], row.GetFieldValue<string[]>(17)[i]));
        return stages;
    }

    static List<SaidGuidance> GuidanceOf(NpgsqlDataReader row)
    {
        var said = new List<SaidGuidance>();
        if (row.IsDBNull(20))
            return said;
        var ids = row.GetFieldValue<Guid[]>(20);
        for (var i = 0; i < ids.Length; i++)
            said.Add(new SaidGuidance(ids[i], row.GetFieldValue<string[]>(21)[i], row.GetFieldValue<DateTimeOffset[]>(22)[i], row.GetFieldValue<bool[]>(23)[i]));
        return said;
    }

    // What is made of a message is made while PostgreSQL reads the next ones: nothing is left to do with two thousand when the last has come.
    void Add(int index, string type, byte[] data, DateTimeOffset time)
    {
        if (type == MessageTypes.Chunk)
        {
            _json.ResetWrittenCount();
            FrameWriter.WriteMessageJson(_json, index, Id, type, time.ToUnixTimeMilliseconds(), data);
            _chunks.Add(new StoredChunk(index, _json.WrittenSpan.ToArray()));
        }
        else if (type == MessageTypes.Progress)
        {
            Progress = data;
        }
        else if (Field(data, "code") == InfoMessage.Restarted && Field(data, "stage") is { } stage)
        {
            _chunks.RemoveAll(chunk => Field(chunk.Json, "stage") == stage);
            _restarts.Add((stage, index));
        }
    }

    /// <summary>A text field of a message's data; null if there is none.</summary>
    public static string? Field(byte[] data, string name)
    {
        using var document = JsonDocument.Parse(data);
        return document.RootElement.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
    }

    static T? Optional<T>(NpgsqlDataReader row, int column) where T : class => row.IsDBNull(column) ? null : row.GetFieldValue<T>(column);
}

file static class Arrays
{
    public static string[] OrEmpty(this string[]? array) => array ?? [];
}
