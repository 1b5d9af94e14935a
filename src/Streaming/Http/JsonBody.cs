using System.Text.Json;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;
using Streaming.Configuration;

namespace Streaming.Http;

/// <summary>A request's body as JSON, and the messages about its fields that are not valid.</summary>
public sealed class JsonBody(JsonElement root)
{
    readonly Dictionary<string, string[]> _errors = [];

    public JsonElement Root { get; } = root;

    /// <summary>Messages by field; empty: the body is valid.</summary>
    public IReadOnlyDictionary<string, string[]> Errors => _errors;

    /// <summary>Whether the request has a body at all; one that is sent in chunks says no length.</summary>
    public static bool IsIn(HttpRequest request) => request.HttpContext.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: true };

    /// <summary>Reads the body; the other result says what is wrong with it.</summary>
    /// <exception cref="BadHttpRequestException">413: it is larger than <c>Limits:BodyBytesMax</c>.</exception>
    public static async Task<(JsonBody? Body, IResult? Problem)> ReadAsync(HttpRequest request, CancellationToken cancellation)
    {
        // A page of another origin may send text/plain without being asked first; application/json it may not.
        if (!request.HasJsonContentType())
            return (null, Problems.UnsupportedMediaType.Problem("It must be application/json."));
        var depthMax = request.HttpContext.RequestServices.GetRequiredService<IOptions<LimitOptions>>().Value.JsonDepthMax;
        try
        {
            using var document = await JsonDocument.ParseAsync(request.Body, new JsonDocumentOptions { MaxDepth = depthMax }, cancellation);
            return (new JsonBody(document.RootElement.Clone()), null);
        }
        catch (JsonException fault)
        {
            return (null, Problems.InvalidBody.Problem($"The body is not valid JSON of {depthMax} levels at most (Limits:JsonDepthMax): {fault.Message}"));
        }
    }

    public void Fail(string field, string message) =>
        _errors[field] = _errors.TryGetValue(field, out var earlier) ? [.. earlier, message] : [message];

    public JsonElement? Property(string name) =>
        Root.ValueKind == JsonValueKind.Object && Root.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    /// <summary>A text without what PostgreSQL refuses; null, with an error where it is required, if there is none.</summary>
    public string? Text(string name, int charactersMax, bool isRequired = false) => Text(Property(name), name, charactersMax, isRequired);

    /// <inheritdoc cref="Text(string, int, bool)"/>
    public string? Text(JsonElement? value, string field, int charactersMax, bool isRequired = false)
    {
        if (value is null)
        {
            if (isRequired)
                Fail(field, "Is required.");
            return null;
        }

        if (value.Value.ValueKind != JsonValueKind.String)
        {
            Fail(field, "Must be a text.");
            return null;
        }

        string text;
        try
        {
            text = value.Value.GetString()!.Replace("\0", "", StringComparison.Ordinal);
        }
        catch (InvalidOperationException)
        {
            Fail(field, "Holds half of a surrogate pair.");
            return null;
        }

        if (isRequired && string.IsNullOrWhiteSpace(text))
            Fail(field, "Must not be blank.");
        else if (text.Length > charactersMax)
            Fail(field, $"Must have {charactersMax} characters at most, has {text.Length}.");
        return text;
    }

    /// <summary>A whole number; null, with an error if there is something else.</summary>
    public int? WholeNumber(string name, int min, int max)
    {
        if (Property(name) is not { } value)
            return null;
        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) && number >= min && number <= max)
            return number;
        Fail(name, $"Must be a whole number from {min} to {max}.");
        return null;
    }
}
