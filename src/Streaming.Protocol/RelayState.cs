using System.Text.Json;

namespace Streaming.Protocol;

/// <summary>A relay: whatever artifacts were stored for it.</summary>
public sealed record RelayState : SessionState
{
    public string? Title { get; init; }
    public required IReadOnlyList<RelayArtifact> Artifacts { get; init; }
}

public sealed record RelayArtifact(string Type, JsonElement Data);
