namespace Streaming.Pipelines.Upload;

/// <summary>How urgent an upload is; the number is the one that it is queued by.</summary>
public enum UploadPriority
{
    Low,
    Normal,
    High,
    Urgent,
}
