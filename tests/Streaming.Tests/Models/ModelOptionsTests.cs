using Streaming.Models;
using Xunit;

namespace Streaming.Tests.Models;

public class ModelOptionsTests
{
    [Fact]
    public void Defaults_are_valid()
    {
        Assert.Empty(ModelOptionsValidation.Faults(new ModelOptions()));
    }

    [Fact]
    public void An_unknown_provider_is_refused_with_the_known_ones()
    {
        var fault = Assert.Single(ModelOptionsValidation.Faults(new ModelOptions { Provider = "gpt" }));

        Assert.Equal("Models:Provider is 'gpt'; it can be 'offline', 'openai' or 'anthropic'.", fault);
    }

    [Fact]
    public void OpenAI_without_model_and_key_is_refused_with_both_names()
    {
        var faults = ModelOptionsValidation.Faults(new ModelOptions { Provider = "openai" }).ToList();

        Assert.Equal(2, faults.Count);
        Assert.Contains("Models:OpenAI:Model", faults[0], StringComparison.Ordinal);
        Assert.Contains("Models:OpenAI:ApiKey", faults[1], StringComparison.Ordinal);
    }

    [Fact]
    public void A_server_of_ones_own_needs_no_key()
    {
        Assert.Empty(ModelOptionsValidation.Faults(OpenAI("http://127.0.0.1:8080/v1")));
    }

    [Theory]
    [InlineData("v1")]
    [InlineData("file:///v1")]
    public void An_endpoint_that_is_no_web_address_is_refused(string endpoint)
    {
        var fault = Assert.Single(ModelOptionsValidation.Faults(OpenAI(endpoint)));

        Assert.StartsWith("Models:OpenAI:Endpoint must be", fault, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("x y", "1")]
    [InlineData("x-a", "1\r\nx-b: 2")]
    public void A_header_that_cannot_be_sent_is_refused_without_its_value(string name, string value)
    {
        var options = OpenAI("http://127.0.0.1:8080/v1");
        options.OpenAI.Headers[name] = value;

        Assert.Equal($"Models:OpenAI:Headers:{name} is no valid request header.", Assert.Single(ModelOptionsValidation.Faults(options)));
    }

    [Fact]
    public void Anthropic_without_model_and_key_is_refused_with_both_names()
    {
        var faults = ModelOptionsValidation.Faults(new ModelOptions { Provider = "anthropic" }).ToList();

        Assert.Equal(["Models:Anthropic:Model is missing: name the model to use.", "Models:Anthropic:ApiKey is missing."], faults);
    }

    [Fact]
    public void Each_limit_out_of_bounds_is_named()
    {
        var faults = ModelOptionsValidation.Faults(new ModelOptions
        {
            Offline = { TokensPerSecond = -1 },
            TokenTimeout = TimeSpan.Zero,
            RunTimeout = TimeSpan.FromDays(60),
            RetriesMax = -1,
            RetryBaseDelay = TimeSpan.FromDays(3),
            RetryDelayMax = TimeSpan.FromDays(2),
            TextBytesMax = 0,
            OutputTokensMax = 0,
            BreakerFailureRatio = 0,
            BreakerRequestsMin = 1,
            BreakerSampling = TimeSpan.Zero,
            BreakerPause = TimeSpan.Zero,
        });

        Assert.Equal(
            [
                "Models:Offline:TokensPerSecond", "Models:TokenTimeout", "Models:RunTimeout", "Models:RetriesMax",
                "Models:RetryBaseDelay", "Models:RetryDelayMax", "Models:TextBytesMax", "Models:OutputTokensMax",
                "Models:BreakerFailureRatio", "Models:BreakerRequestsMin", "Models:BreakerSampling", "Models:BreakerPause",
            ],
            faults.Select(fault => fault.Split(' ')[0]));
    }

    static ModelOptions OpenAI(string endpoint) => new()
    {
        Provider = "openai",
        OpenAI = { Model = "m", Endpoint = new Uri(endpoint, UriKind.RelativeOrAbsolute) },
    };
}
