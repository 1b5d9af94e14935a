using Streaming.Sessions;
using Xunit;

namespace Streaming.Tests.Sessions;

/// <summary>Which version of a session is at least as far as another: what a state of a replica is measured by.</summary>
public sealed class SessionVersionTests
{
    static readonly Guid Transform = Guid.CreateVersion7();
    static readonly SessionVersion Known = new(Transform, Ordinal: 2, "running", Head: 10, Artifacts: 3, IsShortened: false, Attempt: 4);

    public static TheoryData<string, SessionVersion, bool> Cases => new()
    {
        { "the same", Known with { }, true },
        { "more messages", Known with { Head = 11 }, true },
        { "more messages and the end", Known with { Head = 12, Status = "completed" }, true },
        { "the next attempt", Known with { Attempt = 5 }, true },
        { "the next attempt, paused", Known with { Attempt = 5, Status = "paused" }, true },
        { "the next transform", new SessionVersion(Guid.CreateVersion7(), 3, "queued", 0, 3, false, 0), true },
        { "fewer messages", Known with { Head = 9 }, false },
        { "fewer messages in a later attempt", Known with { Head = 9, Attempt = 5 }, false },
        { "an attempt before", Known with { Attempt = 3 }, false },
        { "an attempt before, with more messages", Known with { Attempt = 3, Head = 11 }, false },
        { "the transform before", Known with { Ordinal = 1, Head = 50, Attempt = 9 }, false },
        { "fewer artifacts, with more messages", Known with { Head = 11, Artifacts = 2 }, false },
        { "the next transform without an artifact", new SessionVersion(Guid.CreateVersion7(), 3, "queued", 0, 2, false, 0), false },
        // Nothing tells which of the two is later.
        { "another status of the same attempt", Known with { Status = "queued" }, false },
        { "more artifacts and nothing else", Known with { Artifacts = 4 }, false },
        { "shortened and nothing else", Known with { IsShortened = true }, false },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Version_is_at_least_as_far_when(string what, SessionVersion version, bool expected) =>
        Assert.True(expected == version.IsAtLeast(Known), what);

    [Fact]
    public void What_was_removed_is_not_told_again()
    {
        var shortened = Known with { Status = "failed", IsShortened = true };

        Assert.False((shortened with { IsShortened = false }).IsAtLeast(shortened));
        Assert.False((shortened with { IsShortened = false, Head = 11 }).IsAtLeast(shortened));
    }
}
