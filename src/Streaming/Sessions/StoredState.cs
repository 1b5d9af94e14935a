using System.Buffers.Binary;
using System.Text.Json;
using Npgsql;
using Streaming.Protocol;
using Streaming.Sse;

namespace Streaming.Sessions;

/// <summary>A stage as it stands in the table.</summary>
public readonly record struct StoredStage(string Name, string Label, float Weight, string Status);

/// <summary>What the user has said to guide the generation; <paramref name="Applied"/>: the newest transform goes by it.</summary>
public readonly record struct SaidGuidance(Guid Id, string Text, DateTimeOffset At, bool Applied);

/// <summary>A piece of text as it stands in the table.</summary>
/// <param name="Index">Its message's.</param>
/// <param name="Data">A JSON object in UTF-8, see <see cref="MessageData"/>.</param>
/// <param name="Time">When it was written.</param>
public readonly record struct StoredChunk(int Index, byte[] Data, DateTimeOffset Time);

/// <summary>Everything about a session as one row of <c>sessions/read_state.sql</c> holds it: one snapshot.</summary>
public sealed class StoredState
{
    static readonly DateTimeOffset PostgresEpoch = new(2000, 1, 1, 0, 0, 0, TimeSpan.Zero);

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
    public required string? Progress { get; init; }
    public required IReadOnlyList<StoredStage> Stages { get; init; }

    /// <summary>Messages of type <c>chunk</c> that still count: the text of a stage that was begun anew is left out.</summary>
    public required IReadOnlyList<StoredChunk> Chunks { get; init; }

    /// <summary>Stages that were begun anew, and the index of the message that says so.</summary>
    public required IReadOnlyList<(string Stage, int Index)> Restarts { get; init; }

    public required IReadOnlyList<SaidGuidance> Guidance { get; init; }
    public required bool IsShortened { get; init; }
    public required int Attempt { get; init; }

    public SessionVersion Version => new(TransformId, Ordinal, Status, Head ?? -1, ArtifactCount, IsShortened, Attempt);

    public static StoredState Read(NpgsqlDataReader row)
    {
        var (chunks, restarts) = Live(row);
        return new StoredState
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
            Progress = Optional<string>(row, 13),
            Stages = StagesOf(row),
            Chunks = chunks,
            Restarts = restarts,
            IsShortened = row.GetBoolean(19),
            Attempt = row.GetInt32(20),
            Guidance = GuidanceOf(row),
        };
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
        if (row.IsDBNull(21))
            return said;
        var ids = row.GetFieldValue<Guid[]>(21);
        for (var i = 0; i < ids.Length; i++)
            said.Add(new SaidGuidance(ids[i], row.GetFieldValue<string[]>(22)[i], row.GetFieldValue<DateTimeOffset[]>(23)[i], row.GetFieldValue<bool[]>(24)[i]));
        return said;
    }

    static (List<StoredChunk> Chunks, List<(string, int)> Restarts) Live(NpgsqlDataReader row)
    {
        var chunks = new List<StoredChunk>();
        var restarts = new List<(string, int)>();
        if (row.IsDBNull(18))
            return (chunks, restarts);
        using var messages = row.GetStream(18);
        Span<byte> head = stackalloc byte[17];
        while (messages.ReadAtLeast(head, head.Length, throwOnEndOfStream: false) == head.Length)
        {
            var index = BinaryPrimitives.ReadInt32BigEndian(head);
            var data = new byte[BinaryPrimitives.ReadInt32BigEndian(head[4..])];
            var time = PostgresEpoch.AddMicroseconds(BinaryPrimitives.ReadInt64BigEndian(head[8..]));
            var isInfo = head[16] != 0;
            messages.ReadExactly(data);
            var normal = MessageData.Normalize(data);
            if (!isInfo)
            {
                chunks.Add(new StoredChunk(index, normal, time));
            }
            else if (Field(normal, "code") == InfoMessage.Restarted && Field(normal, "stage") is { } stage)
            {
                chunks.RemoveAll(chunk => Field(chunk.Data, "stage") == stage);
                restarts.Add((stage, index));
            }
        }

        return (chunks, restarts);
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
