using System.Text.Json;
using Streaming.Protocol;
using Streaming.Sessions;

namespace Streaming.Files;

/// <summary>
/// Files that users upload: a session whose transforms are streams of its bytes, the upload first, then downloads whose
/// progress is told. No worker runs them.
/// </summary>
public sealed class FileKind : ISessionKind
{
    public const string KindName = "file";

    public string Name => KindName;

    public IReadOnlyList<StageInfo> Stages => [];

    public void WriteResult(Utf8JsonWriter writer, IReadOnlyList<StoredArtifact> artifacts)
    {
        foreach (var artifact in artifacts)
        {
            writer.WritePropertyName("file");
            writer.WriteRawValue(artifact.Data);
        }
    }

    /// <summary>First message of each of its transforms.</summary>
    internal static string Start(Guid transformId) => ProtocolJson.Data(new StartMessage(KindName, transformId, null, null, []));
}
