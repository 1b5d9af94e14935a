using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Streaming.Models.Offline;

namespace Streaming.Tests.Models.Offline;

/// <summary>Prompts as the pipelines write them, and the offline client's answers.</summary>
internal static class Prompt
{
    private static readonly JsonSerializerOptions Raw = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static ChatMessage[] Of(object request) =>
    [
        new(ChatRole.System, "You are a story editor. Answer with JSON only."),
        new(ChatRole.User, $"Do what the request says.\n\n<request>{JsonSerializer.Serialize(request, Raw)}</request>"),
    ];

    public static ChatMessage[] Ideas(
        string userInput, int count = 5, string? platform = null,
        object[]? genres = null, double[]? proportions = null, string[]? existing = null)
        => Of(new
        {
            task = "ideas", userInput, selectedPlatform = platform,
            genrePaths = genres ?? [], genreProportions = proportions ?? [], count, existing = existing ?? [],
        });

    public static ChatMessage[] Outline(
        string task, string title, string text, int? totalEpisodes = null, int? episodeDuration = null, params string[] characters)
        => Of(new
        {
            task, title, text, totalEpisodes, episodeDuration,
            premise = new { title }, characters = characters.Select(name => new { name }),
        });

    public static string Answer(ChatMessage[] prompt, int seed = 1)
    {
        using var client = new OfflineChatClient(0, seed, TimeProvider.System);
        return client.GetResponseAsync(prompt).GetAwaiter().GetResult().Text;
    }

    public static JsonElement Json(ChatMessage[] prompt, int seed = 1) => JsonElement.Parse(Answer(prompt, seed));

    public static (string Title, string Body)[] IdeasOf(ChatMessage[] prompt, int seed = 1)
        => [.. Json(prompt, seed).GetProperty("ideas").EnumerateArray()
            .Select(idea => (idea.GetProperty("title").GetString()!, idea.GetProperty("body").GetString()!))];
}
