namespace Streaming.Messages;

/// <summary>
/// One message as a row: its index, type, data (a JSON object on one line) and time (whole milliseconds). The data are UTF-8 from
/// the model's delta to the frame: neither the database's driver nor a reader has to encode them again.
/// </summary>
public readonly record struct MessageRow(int Index, string Type, byte[] Data, DateTimeOffset Time);

/// <summary>An artifact to store together with the message that tells of it.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Type">Its type, as in the message.</param>
/// <param name="Position">Its place among those of its type.</param>
/// <param name="Data">A JSON object.</param>
/// <param name="File">What can be downloaded; null for an artifact that is all in its data.</param>
public sealed record ArtifactChange(Guid Id, string Type, int Position, string Data, ArtifactFile? File = null);

/// <summary>The file that an artifact is: its bytes and their media type.</summary>
public sealed record ArtifactFile(byte[] Content, string ContentType);

/// <summary>A stage that begins (<c>running</c>) or ends (<c>completed</c>, <c>failed</c>) with a message.</summary>
/// <param name="Stage">Its name.</param>
/// <param name="Status">What it is from now on.</param>
/// <param name="HalfSeconds">Of a completed one: how long the first half took, if that is known.</param>
public sealed record StageChange(string Stage, string Status, double? HalfSeconds = null);

/// <summary>The end of the transform, with its last message.</summary>
/// <param name="Status"><c>completed</c> or <c>failed</c>.</param>
/// <param name="Error">JSON object for <c>transforms.error</c>.</param>
public sealed record Finish(string Status, string? Error);

/// <summary>A message on its way to the table, with what must be committed together with it.</summary>
public sealed class Append(RunLease lease, string type, byte[] data)
{
    readonly TaskCompletionSource _committed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public RunLease Lease { get; } = lease;
    public string Type { get; } = type;

    /// <summary>A JSON object on one line, UTF-8.</summary>
    public byte[] Data { get; } = data;

    public ArtifactChange? Artifact { get; init; }
    public StageChange? Stage { get; init; }
    public Finish? Finish { get; init; }

    /// <summary>Position up to which the run goes by the user's guidance from this message on.</summary>
    public int? GuidancePosition { get; init; }

    /// <summary>Set by the appender's loop.</summary>
    public int Index { get; set; }

    /// <summary>Set by the appender's loop.</summary>
    public DateTimeOffset Time { get; set; }

    public bool ChangesMoreThanMessages => Artifact is not null || Stage is not null || Finish is not null || GuidancePosition is not null;

    /// <summary>Completes when the message is durable; fails with <see cref="LeaseLostException"/>.</summary>
    public Task Committed => _committed.Task;

    public void Succeed() => _committed.TrySetResult();

    public void Fail(Exception? inner = null)
    {
        _committed.TrySetException(new LeaseLostException(Lease, inner));
        // Most messages have nobody waiting for them; the run learns of it from the lease.
        _ = _committed.Task.Exception;
    }
}
