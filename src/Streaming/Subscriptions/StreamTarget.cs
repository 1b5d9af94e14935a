namespace Streaming.Subscriptions;

/// <summary>What a subscriber reads: the messages of one transform of a session.</summary>
public sealed record StreamTarget(Guid SessionId, Guid TransformId, int Ordinal, int Head);
