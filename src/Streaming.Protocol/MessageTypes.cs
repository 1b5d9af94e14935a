namespace Streaming.Protocol;

/// <summary>Values of a message's <c>type</c>. A client skips those it does not know.</summary>
public static class MessageTypes
{
    public const string Start = "start";
    public const string Progress = "progress";
    public const string Chunk = "chunk";
    public const string Artifact = "artifact";
    public const string Preview = "preview";
    public const string StageComplete = "stage_complete";
    public const string Result = "result";
    public const string Error = "error";
    public const string Warning = "warning";
    public const string Info = "info";
    public const string Cache = "cache";
    public const string Heartbeat = "heartbeat";
    public const string Status = "status";
    public const string End = "end";
}
