using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Streaming.Protocol;

namespace Streaming.Client;

/// <summary>
/// Sessions of a Streaming service, and their messages. Requests that change something carry an <c>Idempotency-Key</c> or are idempotent by
/// themselves, so a caller may repeat any that has thrown.
/// </summary>
/// <param name="http">Its base address is the service's. Not disposed; its <see cref="HttpClient.Timeout"/> must be longer than a poll (30 s).</param>
/// <param name="options">How to sign in, wait and give up.</param>
public sealed class StreamingClient(HttpClient http, StreamingClientOptions? options = null)
{
    readonly StreamingClientOptions _options = options ?? new StreamingClientOptions();
    readonly ServiceRequests _requests = new(http, options ?? new StreamingClientOptions());

    /// <summary>
    /// Messages of a session after a cursor, in order and each once, until its <c>end</c>, over as many connections as it takes. A
    /// <see cref="StreamMessage.IsReset"/> says that what came before is to be forgotten; it is rare.
    /// </summary>
    /// <param name="kind"><c>ideation</c>, <c>outline</c>, <c>relay</c>, …</param>
    /// <param name="sessionId">The session.</param>
    /// <param name="after">A <c>lastEventId</c>; null for everything.</param>
    /// <param name="cancellation">Closes the connection; the generation goes on.</param>
    /// <exception cref="StreamingException">Refused for good, or out of patience. The last cursor seen still counts.</exception>
    public IAsyncEnumerable<StreamMessage> ReadStreamAsync(string kind, Guid sessionId, string? after = null, CancellationToken cancellation = default) =>
        new SessionStream(_requests, _options, kind, sessionId, after).ReadAsync(cancellation);

    /// <summary>
    /// Messages of several sessions on one connection, each as on its session's own stream, until all of them have ended: those of one
    /// session in order and each once, those of different ones in no order. <see cref="StreamMessage.SessionId"/> says whose it is; a
    /// <see cref="StreamMessage.IsReset"/> is about that session alone, and so is <see cref="StreamMessage.IsDeleted"/>.
    /// </summary>
    /// <param name="sessionIds">Of any kind, none twice; 50 at most unless the service is set otherwise.</param>
    /// <param name="after">The <see cref="StreamMessage.EventId"/> of a message of a stream of the same sessions in the same order; or their
    /// <c>lastEventId</c>s, in that order, joined by <c>.</c>, with <c>-</c> for one from its beginning; null for everything.</param>
    /// <param name="cancellation">Closes the connection; the generations go on.</param>
    /// <exception cref="StreamingException">Refused for good (404 <c>not_found</c>: one of them), out of patience, or held back on the way.</exception>
    public IAsyncEnumerable<StreamMessage> ReadStreamsAsync(IReadOnlyList<Guid> sessionIds, string? after = null, CancellationToken cancellation = default) =>
        new SeveralSessionsStream(_requests, _options, sessionIds, after).ReadAsync(cancellation);

    /// <summary>The whole state of a session, streaming or done; its <c>LastEventId</c> is the cursor to read on from.</summary>
    /// <typeparam name="TState"><see cref="IdeationState"/>, <see cref="OutlineState"/>, <see cref="RelayState"/>, …</typeparam>
    /// <exception cref="StreamingException"/>
    public Task<TState> GetAsync<TState>(string kind, Guid sessionId, CancellationToken cancellation = default) where TState : SessionState =>
        SendAsync<TState>(() => new HttpRequestMessage(HttpMethod.Get, $"api/{KindNames.Plural(kind)}/{sessionId}"), cancellation);

    /// <summary>Asks for ideas.</summary>
    /// <param name="request">What for.</param>
    /// <param name="idempotencyKey">The same key finds the same session again; default a new one.</param>
    /// <param name="cancellation">Ends the wait; the session may have been made.</param>
    /// <exception cref="StreamingException"/>
    public Task<IdeationState> IdeateAsync(IdeationRequest request, string? idempotencyKey = null, CancellationToken cancellation = default) =>
        CreateAsync<IdeationState>("ideation", () => JsonContent.Create(request, Type<IdeationRequest>()), idempotencyKey, cancellation);

    /// <summary>Asks for an outline of an idea, of a text, or of a file that was uploaded. Parameters and exceptions as in <see cref="IdeateAsync"/>.</summary>
    public Task<OutlineState> OutlineAsync(OutlineRequest request, string? idempotencyKey = null, CancellationToken cancellation = default) =>
        CreateAsync<OutlineState>("outline", () => JsonContent.Create(request, Type<OutlineRequest>()), idempotencyKey, cancellation);

    /// <summary>Asks for a logo. Parameters and exceptions as in <see cref="IdeateAsync"/>.</summary>
    public Task<LogoState> DrawLogoAsync(LogoRequest request, string? idempotencyKey = null, CancellationToken cancellation = default) =>
        CreateAsync<LogoState>("logo", () => JsonContent.Create(request, Type<LogoRequest>()), idempotencyKey, cancellation);

    /// <summary>Opens a relay, a stream that the caller writes. Parameters and exceptions as in <see cref="IdeateAsync"/>.</summary>
    public Task<RelayState> OpenRelayAsync(RelayRequest request, string? idempotencyKey = null, CancellationToken cancellation = default) =>
        CreateAsync<RelayState>("relay", () => JsonContent.Create(request, Type<RelayRequest>()), idempotencyKey, cancellation);

    /// <summary>Appends messages to a relay; returns when they are durable.</summary>
    /// <param name="relayId">The relay.</param>
    /// <param name="producerId">Who writes; 200 characters at most.</param>
    /// <param name="sequence">The producer's own number of this request: one that was stored before is not stored again.</param>
    /// <param name="messages">Each a <c>type</c> and its own fields; up to 1,000.</param>
    /// <param name="cancellation">Ends the wait; the messages may have been stored.</param>
    /// <exception cref="StreamingException"/>
    public Task<RelayAppended> AppendAsync(
        Guid relayId, string producerId, long sequence, IReadOnlyList<JsonElement> messages, CancellationToken cancellation = default) =>
        SendAsync<RelayAppended>(() => new HttpRequestMessage(HttpMethod.Post, $"api/relays/{relayId}/messages")
        {
            Content = JsonContent.Create(new { producerId, sequence, messages }),
        }, cancellation);

    /// <summary>Ends a relay, as <c>completed</c> or <c>failed</c>.</summary>
    /// <exception cref="StreamingException"/>
    public Task<RelayEnded> EndRelayAsync(Guid relayId, string status = "completed", CancellationToken cancellation = default) =>
        SendAsync<RelayEnded>(() => new HttpRequestMessage(HttpMethod.Post, $"api/relays/{relayId}/end")
        {
            Content = JsonContent.Create(new RelayEndRequest(status), Type<RelayEndRequest>()),
        }, cancellation);

    /// <summary>Tells a session to <c>cancel</c>, <c>pause</c>, <c>resume</c> or <c>retry</c>; may be repeated.</summary>
    /// <exception cref="StreamingException">409 <c>conflict</c>: it makes no sense in its state.</exception>
    public Task<TState> ControlAsync<TState>(string kind, Guid sessionId, string action, CancellationToken cancellation = default) where TState : SessionState =>
        SendAsync<TState>(() => new HttpRequestMessage(HttpMethod.Post, $"api/{KindNames.Plural(kind)}/{sessionId}/{action}"), cancellation);

    /// <summary>Tells a generation that has not ended what to go by from now on; returns when it is stored.</summary>
    /// <param name="kind">Any but <c>relay</c>.</param>
    /// <param name="sessionId">The session.</param>
    /// <param name="text">2,000 characters at most unless the service is set otherwise.</param>
    /// <param name="idempotencyKey">Repeated with the same key it is stored once; default a new one.</param>
    /// <param name="cancellation">Ends the wait; it may have been stored.</param>
    /// <exception cref="StreamingException">409 <c>conflict</c>: it has ended. 409 <c>guidance_limit_reached</c>.</exception>
    public Task<TState> GuideAsync<TState>(
        string kind, Guid sessionId, string text, string? idempotencyKey = null, CancellationToken cancellation = default) where TState : SessionState =>
        PostAsync<TState>($"api/{KindNames.Plural(kind)}/{sessionId}/messages", () => JsonContent.Create(new GuidanceRequest(text), Type<GuidanceRequest>()), idempotencyKey, cancellation);

    /// <summary>What a session has made so far, finished or not.</summary>
    /// <exception cref="StreamingException"/>
    public Task<ArtifactList> ListArtifactsAsync(string kind, Guid sessionId, CancellationToken cancellation = default) =>
        SendAsync<ArtifactList>(() => new HttpRequestMessage(HttpMethod.Get, $"api/{KindNames.Plural(kind)}/{sessionId}/artifacts"), cancellation);

    /// <summary>The file of an artifact; its data as JSON, if it is none. The caller disposes the stream, which comes as it is read.</summary>
    /// <exception cref="StreamingException"/>
    public Task<Stream> DownloadArtifactAsync(string kind, Guid sessionId, Guid artifactId, CancellationToken cancellation = default) =>
        DownloadAsync($"api/{KindNames.Plural(kind)}/{sessionId}/artifacts/{artifactId}", cancellation);

    /// <summary>All artifacts in one zip. The caller disposes the stream, which comes as it is read.</summary>
    /// <exception cref="StreamingException"/>
    public Task<Stream> DownloadArtifactsAsync(string kind, Guid sessionId, CancellationToken cancellation = default) =>
        DownloadAsync($"api/{KindNames.Plural(kind)}/{sessionId}/artifacts.zip", cancellation);

    /// <summary>
    /// Uploads a file, over cuts and restarts, and returns its state; its id is what an <see cref="OutlineRequest"/> takes. In the end its
    /// checksum is compared.
    /// </summary>
    /// <param name="content">From its beginning to its end, whatever its position; it must be able to seek, and is not disposed.</param>
    /// <param name="name">What to call it; tells Markdown from other text.</param>
    /// <param name="fileId">An upload that broke off, as <see cref="CreateFileAsync"/> has made it; null: a new one.</param>
    /// <param name="progress">Told of bytes that the service has for sure.</param>
    /// <param name="cancellation">Stops it; what came so far is kept for a time.</param>
    /// <exception cref="StreamingException">Refused for good, or out of patience.</exception>
    public async Task<FileState> UploadFileAsync(
        Stream content, string name, Guid? fileId = null, IProgress<FileTransferProgress>? progress = null, CancellationToken cancellation = default)
    {
        var id = fileId ?? await CreateFileAsync(name, content.Length, cancellation);
        await new FileTransfer(_requests, _options).UploadAsync(id, content, progress, cancellation);
        var state = await GetAsync<FileState>("file", id, cancellation);
        if (state.File is { } stored)
            await FileTransfer.CheckAsync(content, stored, cancellation);
        return state;
    }

    /// <summary>Announces a file of so many bytes, and returns its id: to be kept by one who may have to go on with its upload after a restart of his own.</summary>
    /// <exception cref="StreamingException"/>
    public Task<Guid> CreateFileAsync(string name, long size, CancellationToken cancellation = default) =>
        new FileTransfer(_requests, _options).CreateAsync(name, size, cancellation);

    /// <summary>
    /// Downloads a stored file behind what the target has already, over cuts and restarts, and makes sure that all of it is what is stored:
    /// what is not is downloaded anew.
    /// </summary>
    /// <param name="fileId">The file.</param>
    /// <param name="target">Empty, or what an earlier download has left; it must be able to seek, to read and to write, and is not disposed.</param>
    /// <param name="progress">Told of bytes that were written.</param>
    /// <param name="cancellation">Stops it; what came so far is in the target.</param>
    /// <exception cref="StreamingException">409 <c>conflict</c>: its upload is not complete. Refused for good, or out of patience.</exception>
    public async Task DownloadFileAsync(Guid fileId, Stream target, IProgress<FileTransferProgress>? progress = null, CancellationToken cancellation = default)
    {
        var state = await GetAsync<FileState>("file", fileId, cancellation);
        if (state.File is null)
            throw new StreamingException(System.Net.HttpStatusCode.Conflict, "conflict", "The upload is not complete.");
        await new FileTransfer(_requests, _options).DownloadAsync(state.File, target, progress, cancellation);
    }

    /// <summary>Removes a session and everything below it.</summary>
    /// <exception cref="StreamingException">404 <c>not_found</c>, also when it is repeated.</exception>
    public async Task DeleteAsync(string kind, Guid sessionId, CancellationToken cancellation = default)
    {
        using var response = await _requests.SendAsync(() => new HttpRequestMessage(HttpMethod.Delete, $"api/{KindNames.Plural(kind)}/{sessionId}"), cancellation);
        if (!response.IsSuccessStatusCode)
            throw await ServiceRequests.FaultAsync(response, cancellation);
    }

    Task<TState> CreateAsync<TState>(string kind, Func<HttpContent> content, string? idempotencyKey, CancellationToken cancellation) =>
        PostAsync<TState>($"api/{KindNames.Plural(kind)}", content, idempotencyKey, cancellation);

    Task<TState> PostAsync<TState>(string path, Func<HttpContent> content, string? idempotencyKey, CancellationToken cancellation)
    {
        idempotencyKey ??= Guid.NewGuid().ToString();
        return SendAsync<TState>(() =>
        {
            var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = content() };
            request.Headers.Add("Idempotency-Key", idempotencyKey);
            return request;
        }, cancellation);
    }

    async Task<T> SendAsync<T>(Func<HttpRequestMessage> make, CancellationToken cancellation)
    {
        using var response = await _requests.SendAsync(make, cancellation);
        if (!response.IsSuccessStatusCode)
            throw await ServiceRequests.FaultAsync(response, cancellation);
        await using var body = await response.Content.ReadAsStreamAsync(cancellation);
        return (await JsonSerializer.DeserializeAsync(body, Type<T>(), cancellation))!;
    }

    /// <summary>Disposing the stream gives the connection back.</summary>
    async Task<Stream> DownloadAsync(string path, CancellationToken cancellation)
    {
        var response = await _requests.SendAsync(() => new HttpRequestMessage(HttpMethod.Get, path), cancellation);
        if (response.IsSuccessStatusCode)
            return await response.Content.ReadAsStreamAsync(cancellation);
        using (response)
            throw await ServiceRequests.FaultAsync(response, cancellation);
    }

    static JsonTypeInfo<T> Type<T>() => (JsonTypeInfo<T>)ProtocolJson.Wire.GetTypeInfo(typeof(T))!;
}
