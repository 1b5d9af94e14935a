using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Extensions.AI;
using Streaming.Images;

namespace Streaming.Models.Offline;

/// <summary>
/// The provider that needs no network and no key: composes answers to our own prompts from the user's words and tables
/// of phrases, and streams them at the pace of a model. No language model is involved, and a prompt that is not one of
/// ours is told so.
/// </summary>
/// <remarks>
/// The same seed and messages give the same answer, on every machine. Safe for concurrent use. Only the last user
/// message is read, and the last picture; <see cref="ChatOptions"/> not at all.
/// </remarks>
public sealed partial class OfflineChatClient : IChatClient
{
    /// <summary>What every answer names as its model.</summary>
    public const string ModelId = "offline-composer";

    // Slower, and the moment of the last token of a long answer could be no TimeSpan.
    private const double TokensPerSecondMin = 0.001;

    private const int QuotedCharactersMax = 300;

    private static readonly JsonSerializerOptions LikeAModel = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private readonly double _tokensPerSecond;
    private readonly int _seed;
    private readonly TimeProvider _clock;
    private readonly ImageMeter? _meter;
    private readonly TimeSpan _simulatedLatency;

    /// <param name="tokensPerSecond">The pace of each answer; at least 0.001; or 0: as fast as it goes.</param>
    /// <param name="seed">Another seed gives other answers to the same messages.</param>
    /// <param name="clock">What the pace is kept against.</param>
    /// <param name="meter">Measures pictures; without one no more is known of them than their size.</param>
    /// <param name="simulatedLatency">How long it does as if it were thinking before the first token.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="tokensPerSecond"/> is out of these bounds.</exception>
    public OfflineChatClient(double tokensPerSecond, int seed, TimeProvider clock, ImageMeter? meter = null, TimeSpan simulatedLatency = default)
    {
        if (!double.IsFinite(tokensPerSecond) || tokensPerSecond is not (0 or >= TokensPerSecondMin))
            throw new ArgumentOutOfRangeException(nameof(tokensPerSecond), tokensPerSecond, "Must be 0, or 0.001 or more.");
        _tokensPerSecond = tokensPerSecond;
        _seed = seed;
        _clock = clock;
        _meter = meter;
        _simulatedLatency = simulatedLatency;
    }

    /// <summary>The answer one token an update; the last update has no text and finish reason Stop.</summary>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was cancelled: between two
    /// tokens at the latest.</exception>
    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var asked = messages as IReadOnlyList<ChatMessage> ?? [.. messages];
        var began = _clock.GetTimestamp();
        var answer = Compose(OfflineRequest.Read(asked), await MeasureAsync(asked, cancellationToken).ConfigureAwait(false), _seed);
        // What the measuring took is part of it.
        if (_simulatedLatency - _clock.GetElapsedTime(began) is var thinking && thinking > TimeSpan.Zero)
            await Task.Delay(thinking, _clock, cancellationToken).ConfigureAwait(false);
        var started = _clock.GetTimestamp();
        var responseId = $"offline-{Guid.NewGuid():n}";
        var sent = 0;
        foreach (var token in TokenSplitter.Split(answer))
        {
            await KeepPace(started, sent++, cancellationToken).ConfigureAwait(false);
            yield return Update(new ChatResponseUpdate(ChatRole.Assistant, token));
        }

        yield return Update(new ChatResponseUpdate { Role = ChatRole.Assistant, FinishReason = ChatFinishReason.Stop });

        ChatResponseUpdate Update(ChatResponseUpdate update)
        {
            update.ModelId = ModelId;
            update.ResponseId = responseId;
            update.MessageId = responseId;
            return update;
        }
    }

    /// <summary>The whole answer, after the time that streaming it would take.</summary>
    public Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
        => GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken);

    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        if (serviceKey is not null)
            return null;
        return serviceType == typeof(ChatClientMetadata)
            ? new ChatClientMetadata("offline", providerUri: null, ModelId)
            : serviceType.IsInstanceOfType(this) ? this : null;
    }

    public void Dispose()
    {
    }

    // Each token has its own moment, counted from the start: a late one does not push back those after it.
    private async ValueTask KeepPace(long started, int token, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (_tokensPerSecond == 0)
            return;
        var wait = TimeSpan.FromSeconds(token / _tokensPerSecond) - _clock.GetElapsedTime(started);
        if (wait > TimeSpan.Zero)
            await Task.Delay(wait, _clock, cancellationToken).ConfigureAwait(false);
    }

    private async Task<ImageFeatures?> MeasureAsync(IReadOnlyList<ChatMessage> messages, CancellationToken cancellationToken)
    {
        var image = messages.SelectMany(message => message.Contents).OfType<DataContent>().LastOrDefault(content => content.HasTopLevelMediaType("image"));
        return image is null || _meter is null ? null : await _meter.MeasureAsync(image.Data, cancellationToken).ConfigureAwait(false);
    }

    private static string Compose(OfflineRequest request, ImageFeatures? image, int seed) => request.Task switch
    {
        "ideas" => Json(new { ideas = IdeaComposer.Compose(request, seed) }),
        "outline_premise" => Json(new OutlineComposer(request, seed).Premise()),
        "outline_characters" => Json(new { characters = new OutlineComposer(request, seed).Characters() }),
        "outline_stages" => Json(new { stages = new OutlineComposer(request, seed).Stages() }),
        "passage_summary" or "summary_merge" => Json(new { summary = SummaryComposer.Compose(request) }),
        "logo_brief" => Json(new LogoComposer(request, seed).Brief()),
        "logo_concepts" => Json(new { concepts = new LogoComposer(request, seed).Concepts() }),
        "logo_choice" => Json(new LogoComposer(request, seed).Choice()),
        "logo_drawing" => Json(new { elements = new LogoComposer(request, seed).Drawing() }),
        "logo_refinement" => Json(new { elements = new LogoComposer(request, seed).Refinement() }),
        "logo_variations" => Json(new { variations = new LogoComposer(request, seed).Variations() }),
        "logo_guidelines" => Json(new { sections = new LogoComposer(request, seed).Guidelines() }),
        "image_analysis" => Json(new AnalysisComposer(request, seed).Image(image)),
        "analysis_context" => Json(new AnalysisComposer(request, seed).Situation()),
        "analysis_suggestion" => Json(new AnalysisComposer(request, seed).Suggestion()),
        _ => $"This is the offline generator, not a language model: it composes ideas, outlines, logos and suggestions from phrases, and "
            + $"cannot answer anything else. It was asked: “{Quoted(request.Text)}”",
    };

    // The most relaxed of the framework's encoders still escapes what lies beyond the basic plane; models write emoji.
    private static string Json<T>(T answer) => EscapedPair.Replace(JsonSerializer.Serialize(answer, LikeAModel), match =>
        match.Groups[1].Success ? new string([Unit(match.Groups[1]), Unit(match.Groups[2])]) : match.Value);

    private static char Unit(Group hex)
        => (char)int.Parse(hex.ValueSpan, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    // An escaped backslash is matched too, so that its second half is not taken for the start of an escape.
    [GeneratedRegex(@"\\\\|\\u(D[89AB][0-9A-F]{2})\\u(D[C-F][0-9A-F]{2})")]
    private static partial Regex EscapedPair { get; }

    private static string Quoted(string text)
    {
        var question = text.Trim();
        if (question.Length <= QuotedCharactersMax)
            return question;
        var end = char.IsHighSurrogate(question[QuotedCharactersMax - 1]) ? QuotedCharactersMax - 1 : QuotedCharactersMax;
        return question[..end] + "…";
    }
}
