using Microsoft.Extensions.Options;
using Streaming.Configuration;
using Streaming.Http.Limits;
using Xunit;

namespace Streaming.Tests.Http;

/// <summary>Limits that cannot work are named at the start; who has which is told by the mode.</summary>
public sealed class LimitOptionsTests
{
    public static TheoryData<string, Action<LimitOptions>, bool> Cases => new()
    {
        { "StreamsMax", limits => limits.StreamsMax = 1, true },
        { "StreamsMax", limits => limits.StreamsMax = 0, false },
        { "SessionsPerStreamMax", limits => limits.SessionsPerStreamMax = 100, true },
        { "SessionsPerStreamMax", limits => limits.SessionsPerStreamMax = 101, false },
        { "SessionsPerStreamMax", limits => limits.SessionsPerStreamMax = 0, false },
        { "PageMax", limits => limits.PageMax = 0, false },
        { "BodyBytesMax", limits => limits.BodyBytesMax = -1, false },
        { "JsonDepthMax", limits => limits.JsonDepthMax = 64, true },
        { "JsonDepthMax", limits => limits.JsonDepthMax = 65, false },
        { "JsonDepthMax", limits => limits.JsonDepthMax = 0, false },
        { "StreamsPerUserMax", limits => limits.StreamsPerUserMax = 0, true },
        { "StreamsPerUserMax", limits => limits.StreamsPerUserMax = -1, false },
        { "SessionsInProgressMax", limits => limits.SessionsInProgressMax = -1, false },
        { "RequestsPerSecond", limits => limits.RequestsPerSecond = 0, true },
        { "RequestsPerSecond", limits => limits.RequestsPerSecond = 0.0001, false },
        { "RequestsPerSecond", limits => limits.RequestsPerSecond = double.NaN, false },
        { "RequestBurst", limits => limits.RequestBurst = 0, false },
    };

    [Theory]
    [MemberData(nameof(Cases), DisableDiscoveryEnumeration = true)]
    public void Limit_that_cannot_work_is_named(string option, Action<LimitOptions> change, bool works)
    {
        var options = new LimitOptions();
        change(options);
        var result = new LimitOptionsValidation().Validate(null, options);
        Assert.Equal(works, result.Succeeded);
        if (!works)
            Assert.Contains($"Limits:{option}", result.FailureMessage, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1024, true)]
    [InlineData(1023, false)]
    public void Messages_must_have_room_to_say_how_a_run_goes(int bytes, bool works) =>
        Assert.Equal(works, new LimitOptionsValidation().Validate(null, new MessageOptions { DataBytesMax = bytes }).Succeeded);

    [Theory]
    [InlineData(AuthOptions.None, null, null)]
    [InlineData(AuthOptions.None, 7, 7)]
    [InlineData(AuthOptions.None, 0, null)]
    [InlineData(AuthOptions.Jwt, null, 100)]
    [InlineData(AuthOptions.Jwt, 7, 7)]
    [InlineData(AuthOptions.Jwt, 0, null)]
    public void Users_have_limits_by_default_where_there_are_several(string mode, int? option, int? limit)
    {
        var users = new UserLimits(
            Options.Create(new LimitOptions { StreamsPerUserMax = option, SessionsInProgressMax = option, RequestsPerSecond = option }),
            Options.Create(new AuthOptions { Mode = mode }));
        Assert.Equal((limit, limit, limit), (users.StreamsMax, users.SessionsInProgressMax, users.RequestsPerSecond));
    }
}
