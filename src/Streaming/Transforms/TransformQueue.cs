namespace Streaming.Transforms;

/// <summary>
/// Transforms that share the places of a process. Urgent ones are taken first; so that the others do not starve, one place at
/// a time may go to the oldest of those that have waited for <c>Transforms:AgedAfter</c>, and not twice in a row.
/// </summary>
/// <param name="name">As in the table.</param>
/// <param name="kinds">Kinds of it that this process can run.</param>
/// <param name="concurrency">Its places.</param>
sealed class TransformQueue(string name, string[] kinds, int concurrency) : IDisposable
{
    public string Name { get; } = name;

    public string[] Kinds { get; } = kinds;

    public int Concurrency { get; } = concurrency;

    /// <summary>Released when there may be something to claim.</summary>
    public SemaphoreSlim Wake { get; } = new(0, 1);

    /// <summary>Whether the last claim was of nothing but what had waited too long. Of its claim loop.</summary>
    public bool HasJustTakenAged { get; set; }

    public void Dispose() => Wake.Dispose();
}
