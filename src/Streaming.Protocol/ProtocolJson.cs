using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Streaming.Protocol;

/// <summary>How the wire types are written: camelCase, nulls left out, text as itself (but for what JSON must escape, and emoji).</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(StartMessage))]
[JsonSerializable(typeof(StatusMessage))]
[JsonSerializable(typeof(ProgressMessage))]
[JsonSerializable(typeof(ChunkMessage))]
[JsonSerializable(typeof(ArtifactMessage))]
[JsonSerializable(typeof(PreviewMessage))]
[JsonSerializable(typeof(StageCompleteMessage))]
[JsonSerializable(typeof(ResultMessage))]
[JsonSerializable(typeof(ErrorMessage))]
[JsonSerializable(typeof(WarningMessage))]
[JsonSerializable(typeof(InfoMessage))]
[JsonSerializable(typeof(EndMessage))]
[JsonSerializable(typeof(CacheMessage))]
[JsonSerializable(typeof(RelayAppended))]
[JsonSerializable(typeof(RelayEnded))]
[JsonSerializable(typeof(IdeationState))]
[JsonSerializable(typeof(OutlineState))]
[JsonSerializable(typeof(LogoState))]
[JsonSerializable(typeof(LogoRequest))]
[JsonSerializable(typeof(GuidanceRequest))]
[JsonSerializable(typeof(UploadState))]
[JsonSerializable(typeof(AnalysisState))]
[JsonSerializable(typeof(AnalysisRequest))]
[JsonSerializable(typeof(ArtifactList))]
[JsonSerializable(typeof(RelayState))]
[JsonSerializable(typeof(FileState))]
[JsonSerializable(typeof(FileDownload))]
[JsonSerializable(typeof(SessionPage))]
[JsonSerializable(typeof(IdeationRequest))]
[JsonSerializable(typeof(OutlineRequest))]
[JsonSerializable(typeof(RelayRequest))]
[JsonSerializable(typeof(RelayEndRequest))]
public sealed partial class ProtocolJson : JsonSerializerContext
{
    /// <summary>The context that everything on the wire is written with.</summary>
    public static ProtocolJson Wire { get; } = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        // The strict encoder doubles the size of every text that is not English; the output is never put into HTML.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });

    /// <summary>Text as itself, for what is not one of the wire types.</summary>
    public static JsonSerializerOptions Relaxed { get; } = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>A message's own fields as one JSON object on one line.</summary>
    public static string Data(Message message) => JsonSerializer.Serialize(message, message.GetType(), Wire);

    /// <summary>The same in UTF-8.</summary>
    public static byte[] Utf8(Message message) => JsonSerializer.SerializeToUtf8Bytes(message, message.GetType(), Wire);
}
