using System.ClientModel;
using System.ClientModel.Primitives;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using OpenAI;
using OpenAI.Chat;
using ChatMessage = Microsoft.Extensions.AI.ChatMessage;

namespace Streaming.Models;

/// <summary>An OpenAI-compatible server as <see cref="IChatClient"/>. The SDK makes the request (address, key,
/// pipeline, errors); <see cref="OpenAIRequest"/> writes its body and <see cref="OpenAIChunk"/> reads the
/// answer.</summary>
/// <remarks>The answer is read here because the SDK (2.15.0) drops an <c>error</c> object in mid-stream, ends quietly
/// when the answer breaks off, and throws on a surrogate pair cut between two chunks. Faults of the answer are thrown
/// as <see cref="ModelFault"/>, those of the connection as the SDK throws them (<see cref="ModelFaults"/> maps them).
/// One request a call: retries are <see cref="ModelClient"/>'s.</remarks>
public sealed class OpenAIChatClient : IChatClient
{
    readonly string _model;
    readonly ChatClient _chat;
    readonly HttpClient _http;
    readonly ChatClientMetadata _metadata;

    /// <param name="options">As <see cref="ModelOptionsValidation"/> lets through.</param>
    /// <param name="networkTimeout">Longest silence of the connection, as a last guard; the pace of tokens is watched
    /// by <see cref="ModelClient"/>.</param>
    public OpenAIChatClient(OpenAIModelOptions options, TimeSpan networkTimeout)
    {
        _model = options.Model ?? throw new ArgumentException("Models:OpenAI:Model is missing.", nameof(options));
        _http = ProviderHttp.Create();
        foreach (var (name, value) in options.Headers) _http.DefaultRequestHeaders.TryAddWithoutValidation(name, value);
        _chat = new ChatClient(
            _model,
            // The SDK insists on a key; a server that needs none does not look at it.
            new ApiKeyCredential(string.IsNullOrWhiteSpace(options.ApiKey) ? "none" : options.ApiKey),
            new OpenAIClientOptions
            {
                Endpoint = options.Endpoint,
                NetworkTimeout = networkTimeout,
                RetryPolicy = new ClientRetryPolicy(maxRetries: 0),
                Transport = new HttpClientPipelineTransport(_http),
            });
        _metadata = new ChatClientMetadata("openai", options.Endpoint, _model);
    }

    /// <summary>The whole answer at once; read as a stream all the same, so that every fault is found in one
    /// way.</summary>
    public Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options, CancellationToken cancellationToken) =>
        GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken);

    /// <summary>One update a chunk, those without text too: they show that the provider lives.</summary>
    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var body = BinaryContent.Create(OpenAIRequest.Write(_model, messages, options));
        var request = new RequestOptions { BufferResponse = false, CancellationToken = cancellationToken };
        var result = await _chat.CompleteChatAsync(body, request);
        using var response = result.GetRawResponse();
        response.Headers.TryGetValue("content-type", out var type);
        if (ModelFaults.FromContentType(type) is { } fault) throw fault;

        var finished = false;
        // Null parses from the [DONE] that closes the stream.
        var chunks = SseParser.Create<ChatResponseUpdate?>(
            response.ContentStream!, (_, data) => data.SequenceEqual("[DONE]"u8) ? null : OpenAIChunk.Read(data));
        await foreach (var chunk in chunks.EnumerateAsync(cancellationToken))
        {
            if (chunk.Data is not { } update) break;
            finished |= update.FinishReason is not null;
            yield return update;
        }
        if (!finished)
            throw new ModelFault(
                ModelFaultKind.Incomplete, "The model provider ended its answer without finishing it.");
    }

    public object? GetService(Type serviceType, object? serviceKey) =>
        serviceKey is not null ? null
        : serviceType.IsInstanceOfType(this) ? this
        : serviceType.IsInstanceOfType(_metadata) ? _metadata
        : serviceType.IsInstanceOfType(_chat) ? _chat
        : null;

    public void Dispose() => _http.Dispose();
}
