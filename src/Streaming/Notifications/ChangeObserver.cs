namespace Streaming.Notifications;

/// <summary>
/// Who wants to know what changed in the database, whoever changed it. Calls come one at a time from the LISTEN loop and
/// must return at once. They are hints: one may be missing or come twice, so each observer also looks for itself now and then.
/// </summary>
public interface IChangeObserver
{
    /// <summary>A transform has messages up to <paramref name="head"/> at least.</summary>
    void MessagesAppended(Guid transformId, int head)
    {
    }

    /// <summary>A transform was made, claimed or ended; <paramref name="status"/> as in the table.</summary>
    void StatusChanged(Guid transformId, Guid sessionId, string status)
    {
    }

    /// <summary>A session has a new artifact.</summary>
    void ArtifactsCreated(Guid sessionId)
    {
    }

    /// <summary>The LISTEN connection stands (again); anything may have happened while it did not.</summary>
    void ListenerConnected()
    {
    }
}
