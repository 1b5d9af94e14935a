namespace Streaming.Messages;

/// <summary>Who is handed the rows that this process has just committed, before their NOTIFY arrives.</summary>
public interface ICommitObserver
{
    /// <summary>
    /// A commit begins. Its NOTIFY often arrives before its answer does: nobody has to read what will be handed over in a moment.
    /// <see cref="Committed"/> follows in any case.
    /// </summary>
    /// <param name="transformId">The transform.</param>
    /// <param name="head">Index of the last message in it.</param>
    void Committing(Guid transformId, int head);

    /// <summary>Called by the appender's loop after each commit; must return at once.</summary>
    /// <param name="transformId">The transform.</param>
    /// <param name="rows">Its new messages in order, without gaps; none if they were given up. The list is used again after the call.</param>
    void Committed(Guid transformId, IReadOnlyList<MessageRow> rows);
}
