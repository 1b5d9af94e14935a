using System.Text.Json;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Routing;
using Streaming.Http.Authentication;
using Streaming.IntegrationTests.Fixtures;
using Xunit;

namespace Streaming.IntegrationTests.Http;

/// <summary>What <c>/openapi/v1.json</c> says of who may ask is what the endpoints do.</summary>
public sealed class OpenApiTests(JwtFixture service) : IClassFixture<JwtFixture>
{
    [Fact]
    public async Task Operations_that_need_a_user_say_so_and_open_ones_do_not()
    {
        var document = await service.Host.Client.StateAsync("/openapi/v1.json");
        var expected = service.Host.Service<IEnumerable<EndpointDataSource>>().SelectMany(source => source.Endpoints).OfType<RouteEndpoint>()
            .Where(endpoint => endpoint.Metadata.GetMetadata<IExcludeFromDescriptionMetadata>() is null)
            .SelectMany(endpoint => endpoint.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods.Select(method => Line(
                method, "/" + endpoint.RoutePattern.RawText!.Trim('/'),
                endpoint.Metadata.GetMetadata<IAllowAnonymous>() is not null ? [] :
                endpoint.Metadata.GetMetadata<TakesTicket>() is not null ? ["Bearer", "Ticket"] : ["Bearer"])));
        var described = Operations(document).Select(operation => Line(
            operation.Method, operation.Path.TrimEnd('/'), Security(operation.Json)));
        Assert.Equal(expected.Order(), described.Order());
    }

    [Fact]
    public async Task Bearer_is_a_signed_token_in_a_header()
    {
        var document = await service.Host.Client.StateAsync("/openapi/v1.json");
        var scheme = document.GetProperty("components").GetProperty("securitySchemes").GetProperty("Bearer");
        Assert.Equal(("http", "bearer", "JWT"), (Text(scheme, "type"), Text(scheme, "scheme"), Text(scheme, "bearerFormat")));
        var ticket = document.GetProperty("components").GetProperty("securitySchemes").GetProperty("Ticket");
        Assert.Equal(("apiKey", "query", "ticket"), (Text(ticket, "type"), Text(ticket, "in"), Text(ticket, "name")));
        Assert.All(Operations(document).Where(operation => Security(operation.Json).Length > 0),
            operation => Assert.True(operation.Json.GetProperty("responses").TryGetProperty("401", out _), operation.Path));
    }

    [Fact]
    public async Task Ticket_is_a_parameter_of_the_streams_and_of_nothing_else()
    {
        var document = await service.Host.Client.StateAsync("/openapi/v1.json");
        var withTicket = Operations(document).Where(operation => operation.Json.TryGetProperty("parameters", out var parameters)
            && parameters.EnumerateArray().Any(parameter => Text(parameter, "name") == "ticket" && Text(parameter, "in") == "query"));
        Assert.Equal(["/api/stream", "/api/stream/{kind}/{id}", "/api/v1/status/stream", "/ws"], withTicket.Select(operation => operation.Path).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Mode_none_asks_for_nothing()
    {
        await using var host = await ServiceHost.StartAsync(service.Postgres);
        var document = await host.Client.StateAsync("/openapi/v1.json");
        Assert.All(Operations(document), operation => Assert.Empty(Security(operation.Json)));
        Assert.False(document.GetProperty("components").TryGetProperty("securitySchemes", out _));
    }

    static IEnumerable<(string Method, string Path, JsonElement Json)> Operations(JsonElement document) =>
        document.GetProperty("paths").EnumerateObject()
            .SelectMany(path => path.Value.EnumerateObject().Select(method => (method.Name.ToUpperInvariant(), path.Name, method.Value)));

    /// <summary>The names of the schemes, each a way in of its own.</summary>
    static string[] Security(JsonElement operation) => operation.TryGetProperty("security", out var security)
        ? [.. security.EnumerateArray().Select(requirement => Assert.Single(requirement.EnumerateObject()).Name)] : [];

    static string Line(string method, string path, string[] security) => $"{method} {path} {string.Join(" or ", security)}";

    static string? Text(JsonElement json, string name) => json.GetProperty(name).GetString();
}
