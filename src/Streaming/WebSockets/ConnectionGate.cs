namespace Streaming.WebSockets;

/// <summary>Who somebody is, and until when that holds.</summary>
/// <param name="Id">Every read is made with it.</param>
/// <param name="Until">When the connection is to end unless the client says anew who it is; null: never.</param>
public sealed record ConnectionUser(string Id, DateTimeOffset? Until);

/// <summary>Lets a connection in: made for each by the room that knows of tokens and limits.</summary>
public interface IConnectionGate
{
    /// <summary>Whose token it is; null: it is not valid.</summary>
    ConnectionUser? Authenticate(string token);

    /// <summary>Takes the user's place; the reason if there is none. Called once, when it is known whose connection it is.</summary>
    CloseReason? Admit(string user);
}
