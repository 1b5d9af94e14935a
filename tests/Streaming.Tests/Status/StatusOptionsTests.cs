using Streaming.Configuration;
using Xunit;

namespace Streaming.Tests.Status;

/// <summary>Options of the status that cannot work are named.</summary>
public sealed class StatusOptionsTests
{
    public static TheoryData<string, StatusOptions> Bad => new()
    {
        { "Status:SampleInterval", new StatusOptions { SampleInterval = TimeSpan.FromMilliseconds(999) } },
        { "Status:SampleInterval", new StatusOptions { SampleInterval = TimeSpan.FromMinutes(61) } },
        { "Status:KeptFor", new StatusOptions { KeptFor = TimeSpan.Zero } },
        { "Status:SamplesMax", new StatusOptions { SamplesMax = 0 } },
        { "Status:UpdateInterval", new StatusOptions { UpdateInterval = TimeSpan.Zero } },
        // Clients take 25 s of silence for a dead connection.
        { "Status:UpdateInterval", new StatusOptions { UpdateInterval = TimeSpan.FromSeconds(11) } },
    };

    [Theory]
    [MemberData(nameof(Bad))]
    public void Option_that_cannot_work_is_named(string name, StatusOptions options)
    {
        var result = new StatusOptionsValidation().Validate(null, options);
        Assert.True(result.Failed);
        Assert.StartsWith(name, Assert.Single(result.Failures!), StringComparison.Ordinal);
    }

    [Fact]
    public void Defaults_are_valid() => Assert.True(new StatusOptionsValidation().Validate(null, new StatusOptions()).Succeeded);
}
