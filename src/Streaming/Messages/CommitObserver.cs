namespace Streaming.Messages;

/// <summary>Who is handed the rows that this process has just committed, before their NOTIFY arrives.</summary>
public interface ICommitObserver
{
    /// <summary>
    /// A commit begins. Its NOTIFY often arrives before its answer does: nobody has to read what will be handed over in a moment.
    /// <see cref="Committed"/> follows in any case, perhaps after the next commit has begun.
    /// </summary>
    /// <param name="transformId">The transform.</param>
    /// <param name="first">Index of the first message in it.</param>
    /// <param name="last">Index of the last.</param>
    void Committing(Guid transformId, int first, int last);

    /// <summary>Called by the appender's loop after each commit; must return at once.</summary>
    /// <param name="transformId">The transform.</param>
    /// <param name="rows">Its new messages in order, without gaps; none if they were given up. The list is used again after the call.</param>
    void Committed(Guid transformId, IReadOnlyList<MessageRow> rows);
}
