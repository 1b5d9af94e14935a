namespace Streaming.Messages;

/// <summary>Who is handed the rows that this process has just committed, before their NOTIFY arrives.</summary>
public interface ICommitObserver
{
    /// <summary>Called by the appender's loop after each commit; must return at once.</summary>
    /// <param name="transformId">The transform.</param>
    /// <param name="rows">Its new messages in order, without gaps. The list is used again after the call.</param>
    void Committed(Guid transformId, IReadOnlyList<MessageRow> rows);
}
