using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using Streaming.FaultTests.Proof;
using Streaming.IntegrationTests.Fixtures;

namespace Streaming.FaultTests.Rigs;

/// <summary>
/// Keeps a number of generations running, each with its readers: when one has ended the next is asked for, until the load
/// is stopped. What is asked for while the service is away is asked again, with the same <c>Idempotency-Key</c>.
/// </summary>
public sealed class GenerationLoad : IAsyncDisposable
{
    static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(100);

    readonly CancellationTokenSource _stopping = new();
    readonly CancellationTokenSource _aborting = new();
    readonly List<ResumingReader> _readers = [];
    readonly HttpClient _client;
    readonly int _ideas;
    readonly int _readersEach;
    readonly Func<IReadOnlyCollection<ResumingReader>, Task>? _ended;
    readonly Task _lanes;
    long _forgotten;
    int _refused;

    /// <param name="address">The service, or a proxy before it.</param>
    /// <param name="streams">Generations at once.</param>
    /// <param name="ideas">Length of each: some 200 messages an idea.</param>
    /// <param name="readersEach">Readers of each stream.</param>
    /// <param name="ended">Called when all readers of a generation have come to its end; they are then forgotten. Default: all are kept.</param>
    public GenerationLoad(Uri address, int streams, int ideas, int readersEach = 1, Func<IReadOnlyCollection<ResumingReader>, Task>? ended = null)
    {
        (_client, _ideas, _readersEach, _ended) = (Rig.Client(address), ideas, readersEach, ended);
        _lanes = Task.WhenAll(Enumerable.Range(1, streams).Select(lane => RunLaneAsync(lane, Faults.Random(lane))));
    }

    /// <summary>All readers, of streams that have ended, unless they are forgotten, and of those that run.</summary>
    public IReadOnlyCollection<ResumingReader> Readers
    {
        get
        {
            lock (_readers)
                return [.. _readers];
        }
    }

    /// <summary>Messages that all readers have got so far.</summary>
    public long Delivered => Interlocked.Read(ref _forgotten) + Readers.Sum(reader => reader.Head + 1L);

    /// <summary>POSTs that were answered with an error, or not at all, and were sent again.</summary>
    public int Refused => _refused;

    /// <summary>Asks for no more, and waits until every stream has come to its end.</summary>
    /// <exception cref="TimeoutException">One did not within <paramref name="deadline"/>; says which.</exception>
    public async Task<IReadOnlyCollection<ResumingReader>> FinishAsync(TimeSpan deadline)
    {
        await _stopping.CancelAsync();
        try
        {
            await _lanes.WaitAsync(deadline);
        }
        catch (TimeoutException)
        {
            var waiting = Readers.Where(reader => !reader.HasEnd).Select(reader => $"{reader.SessionId} at {reader.Head}, {reader.FinalError}");
            throw new TimeoutException($"seed {Faults.Seed}: streams without an end after {deadline}: {string.Join("; ", waiting)}");
        }

        return Readers;
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _aborting.CancelAsync();
        await ((Task)_lanes).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _client.Dispose();
    }

    async Task RunLaneAsync(int lane, Random random)
    {
        for (var turn = 0; !_stopping.IsCancellationRequested; turn++)
        {
            if (await CreateAsync($"A lighthouse keeper who collects storms, number {lane}.{turn}") is not { } id)
                return;
            var readers = Enumerable.Range(0, _readersEach)
                .Select(_ => new ResumingReader(_client, "ideation", id, new Random(random.Next()))).ToList();
            lock (_readers)
                _readers.AddRange(readers);
            await Task.WhenAll(readers.Select(reader => reader.RunAsync(_aborting.Token)));
            if (_ended is null)
                continue;
            await _ended(readers);
            lock (_readers)
                _readers.RemoveAll(readers.Contains);
            Interlocked.Add(ref _forgotten, readers.Sum(reader => reader.Head + 1L));
        }
    }

    /// <summary>The id of a new ideation; null if the load was stopped before there was one.</summary>
    async Task<string?> CreateAsync(string userInput)
    {
        var key = Guid.NewGuid().ToString();
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                using var request = new HttpRequestMessage(HttpMethod.Post, "/api/ideations")
                {
                    Content = JsonContent.Create(new { userInput, genrePaths = new[] { "Drama" }, genreProportions = new[] { 100 }, ideaCount = _ideas }),
                    Headers = { { "Idempotency-Key", key } },
                };
                using var response = await _client.SendAsync(request, _stopping.Token);
                if (response.IsSuccessStatusCode)
                    return JsonSerializer.Deserialize<JsonElement>(await response.Content.ReadAsStringAsync(_stopping.Token)).Id();
            }
            catch (Exception fault) when (fault is HttpRequestException or IOException or SocketException or OperationCanceledException)
            {
                // As a page does: once more, with the same key.
            }

            Interlocked.Increment(ref _refused);
            await Task.Delay(RetryDelay, TimeProvider.System, CancellationToken.None);
        }

        return null;
    }
}
