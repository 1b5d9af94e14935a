using System.IO.Compression;
using System.Net;
using System.Text.Json;
using Npgsql;
using Streaming.Client;
using Streaming.IntegrationTests.Fixtures;
using Streaming.Protocol;
using Xunit;
using ServiceClient = Streaming.Client.StreamingClient;

namespace Streaming.IntegrationTests.Client;

/// <summary>The .NET client against the real service, over a network that is none.</summary>
public sealed class StreamingClientTests(ServiceFixture service) : IClassFixture<ServiceFixture>
{
    static readonly IdeationRequest Storms = new("A lighthouse keeper who collects storms", null, null, null, 2);

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    static ServiceClient ClientOf(HttpClient http, Action<StreamingClientOptions>? configure = null)
    {
        var options = new StreamingClientOptions { RetryDelayMax = TimeSpan.FromMilliseconds(200) };
        configure?.Invoke(options);
        return new ServiceClient(http, options);
    }

    [Fact]
    public async Task Stream_is_read_from_start_to_end_with_its_types()
    {
        var client = ClientOf(service.Host.Client);
        var made = await client.IdeateAsync(Storms, cancellation: Cancellation);

        var messages = await client.ReadStreamAsync("ideation", made.Id, cancellation: Cancellation).ToListAsync(Cancellation);

        Assert.Equal("ideation", messages[0].As<StartMessage>().Kind);
        Assert.Equal("completed", messages[^1].As<EndMessage>().Status);
        Assert.All(messages.Where(message => message.Type == MessageTypes.Progress), message => Assert.InRange(message.As<ProgressMessage>().Progress, 0, 100));
        await AssertWholeAsync(service.Host, made.Id, messages);
        var state = await client.GetAsync<IdeationState>("ideation", made.Id, Cancellation);
        Assert.Equal((2, messages[^1].EventId), (state.Ideas.Count, state.LastEventId));
        // At the end there is nothing more to read.
        Assert.Empty(await client.ReadStreamAsync("ideation", made.Id, state.LastEventId, Cancellation).ToListAsync(Cancellation));
    }

    [Theory]
    [InlineData(CutKind.Fin)]
    [InlineData(CutKind.Rst)]
    public async Task Cuts_at_random_bytes_lose_nothing_and_repeat_nothing(CutKind kind)
    {
        const int CutsMin = 15;
        await using var host = await ServiceHost.StartAsync(service.Postgres, [
            new("Models:Offline:TokensPerSecond", "150"), new("Subscriptions:RetryMin", "00:00:00.02"), new("Subscriptions:RetryMax", "00:00:00.05")]);
        var seed = Environment.TickCount;
        var random = new Random(seed);
        await using var proxy = new CuttableProxy(host.Address);
        using var http = new HttpClient { BaseAddress = proxy.Address };
        // Cuts within the head three times in a row are no proxy that holds back, after which it would poll.
        var client = ClientOf(http, options => options.EmptyConnectionsMax = 1000);
        var made = await ClientOf(host.Client).IdeateAsync(Storms with { IdeaCount = 4 }, cancellation: Cancellation);
        proxy.Plan = () => new Cut(random.NextInt64(1, 6000), kind);

        var messages = await client.ReadStreamAsync("ideation", made.Id, cancellation: Cancellation).ToListAsync(Cancellation);

        Assert.True(proxy.PlannedCuts >= CutsMin, $"seed {seed}: only {proxy.PlannedCuts} cuts");
        await AssertWholeAsync(host, made.Id, messages, seed);
    }

    [Fact]
    public async Task Service_that_is_restarted_is_found_again()
    {
        await using var host = await ServiceHost.StartAsync(service.Postgres, [new("Models:Offline:TokensPerSecond", "100")]);
        var route = new Rerouting(host.Address);
        using var http = new HttpClient(route) { BaseAddress = host.Address };
        var client = ClientOf(http);
        var made = await client.IdeateAsync(Storms, cancellation: Cancellation);
        var messages = new List<StreamMessage>();
        ServiceHost? successor = null;
        await foreach (var message in client.ReadStreamAsync("ideation", made.Id, cancellation: Cancellation))
        {
            messages.Add(message);
            if (successor is null && message.Index > 20)
            {
                await host.StopAsync();
                successor = await ServiceHost.StartAsync(service.Postgres, connectionString: host.ConnectionString);
                route.Target = successor.Address;
            }
        }

        Assert.Contains(messages, message => message.IsRestart);
        await AssertWholeAsync(successor!, made.Id, messages);
        await successor!.DisposeAsync();
    }

    [Fact]
    public async Task Messages_of_the_future_are_handed_on_or_passed_over()
    {
        var client = ClientOf(service.Host.Client);
        var relay = await client.OpenRelayAsync(new RelayRequest("future"), cancellation: Cancellation);
        await client.AppendAsync(relay.Id, "test", 1, [
            JsonElement.Parse("""{"type":"hologram","depth":{"unit":"m","value":3}}"""),
            JsonElement.Parse("""{"type":"progress","stage":"s","stageProgress":1,"progress":2,"label":"l","mood":"fine","of":[{"a":1}]}"""),
            JsonElement.Parse("""{"type":"chunk","text":"known","tone":4}""")], Cancellation);
        await client.EndRelayAsync(relay.Id, cancellation: Cancellation);

        var messages = await client.ReadStreamAsync("relay", relay.Id, cancellation: Cancellation).ToListAsync(Cancellation);

        Assert.Equal(["start", "hologram", "progress", "chunk", "end"], messages.Select(message => message.Type));
        Assert.Equal(2, messages[2].As<ProgressMessage>().Progress);
        Assert.Equal("known", messages[3].Text);
    }

    [Fact]
    public async Task Messages_of_the_future_that_sql_wrote_are_handed_on_and_the_stream_goes_on_to_its_end()
    {
        var client = ClientOf(service.Host.Client);
        var relay = await client.OpenRelayAsync(new RelayRequest("sql"), cancellation: Cancellation);
        await using (var source = NpgsqlDataSource.Create(service.Host.ConnectionString))
            foreach (var (index, type, data) in ((int, string, string)[])[
                (1, "confetti", """{"pieces":3,"index":99,"of":[{"a":null}]}"""), (2, "chunk", """{"text":"known","mood":{"is":"fine"}}"""), (3, "result", "[]"), (4, "end", """{"status":"completed","applause":true}""")])
            {
                await using var command = source.CreateCommand(
                    "insert into transform_chunks (transform_id, chunk_index, chunk_type, chunk_data) select id, $2, $3, $4 from transforms where session_id = $1");
                command.Parameters.AddRange((NpgsqlParameter[])[
                    new NpgsqlParameter<Guid> { TypedValue = relay.Id }, new NpgsqlParameter<int> { TypedValue = index },
                    new NpgsqlParameter<string> { TypedValue = type }, new NpgsqlParameter<string> { TypedValue = data }]);
                await command.ExecuteNonQueryAsync(Cancellation);
            }

        var messages = await client.ReadStreamAsync("relay", relay.Id, cancellation: Cancellation).ToListAsync(Cancellation);

        Assert.Equal(["start", "confetti", "chunk", "result", "end"], messages.Select(message => message.Type));
        Assert.Equal("known", messages[2].Text);
        Assert.Equal("completed", messages[4].As<EndMessage>().Status);
    }

    [Fact]
    public async Task Guidance_is_stored_once_however_often_it_is_sent_with_its_key()
    {
        await using var host = await ServiceHost.StartAsync(service.Postgres, [new("Transforms:Concurrency", "0")]);
        var client = ClientOf(host.Client);
        var made = await client.IdeateAsync(Storms, cancellation: Cancellation);

        await client.GuideAsync<IdeationState>("ideation", made.Id, "Add a dragon", "key", Cancellation);
        await client.GuideAsync<IdeationState>("ideation", made.Id, "Add a dragon", "key", Cancellation);
        var state = await client.GuideAsync<IdeationState>("ideation", made.Id, "And a knight", cancellation: Cancellation);

        Assert.Equal(["Add a dragon", "And a knight"], state.Guidance!.Select(said => said.Text));
        await client.ControlAsync<IdeationState>("ideation", made.Id, "cancel", Cancellation);
        Assert.Equal("conflict", (await Assert.ThrowsAsync<StreamingException>(() => client.GuideAsync<IdeationState>("ideation", made.Id, "Late", cancellation: Cancellation))).Code);
    }

    [Fact]
    public async Task Logo_is_drawn_and_its_files_are_those_of_the_list_alone_and_in_the_zip()
    {
        var client = ClientOf(service.Host.Client);
        var made = await client.DrawLogoAsync(new LogoRequest("Harbor & Pine", "Boats, built by hand.", "calm", ["#1d3557"]), cancellation: Cancellation);

        var messages = await client.ReadStreamAsync("logo", made.Id, cancellation: Cancellation).ToListAsync(Cancellation);

        var state = await client.GetAsync<LogoState>("logo", made.Id, Cancellation);
        Assert.Equal(("completed", 3), (state.Status, state.Concepts.Count));
        var result = messages[^2].As<ResultMessage>();
        Assert.Equal(state.Assets, result.Assets);
        Assert.Equal(state.Choice, result.Choice);
        Assert.DoesNotContain("assets", result.Parts.Keys);
        Assert.Contains(messages, message => message.Type == MessageTypes.Preview && message.As<PreviewMessage>().Data?.StartsWith("<svg", StringComparison.Ordinal) == true);

        var listed = (await client.ListArtifactsAsync("logo", made.Id, Cancellation)).Items;
        Assert.Equal(state.Assets.Select(asset => asset.ArtifactId), listed.Where(item => item.Type == "asset").Select(item => item.ArtifactId));
        await using var body = await client.DownloadArtifactsAsync("logo", made.Id, Cancellation);
        var copy = new MemoryStream();
        await body.CopyToAsync(copy, Cancellation);
        await using var zip = new ZipArchive(copy);
        foreach (var item in listed)
        {
            await using var file = await client.DownloadArtifactAsync("logo", made.Id, item.ArtifactId, Cancellation);
            var alone = await BytesAsync(file);
            Assert.Equal(item.Bytes, alone.Length);
            await using var entry = await zip.GetEntry(item.Name)!.OpenAsync(Cancellation);
            Assert.Equal(alone, await BytesAsync(entry));
        }

        Assert.Equal("not_found", (await Assert.ThrowsAsync<StreamingException>(() => client.DownloadArtifactAsync("logo", made.Id, Guid.NewGuid(), Cancellation))).Code);

        static async Task<byte[]> BytesAsync(Stream file)
        {
            var copy = new MemoryStream();
            await file.CopyToAsync(copy, Cancellation);
            return copy.ToArray();
        }
    }

    [Fact]
    public async Task Several_sessions_come_on_one_connection_each_whole_whatever_is_cut()
    {
        const int CutsMin = 10;
        await using var host = await ServiceHost.StartAsync(service.Postgres, [
            new("Models:Offline:TokensPerSecond", "150"), new("Subscriptions:RetryMin", "00:00:00.02"), new("Subscriptions:RetryMax", "00:00:00.05")]);
        var seed = Environment.TickCount;
        var random = new Random(seed);
        await using var proxy = new CuttableProxy(host.Address);
        using var http = new HttpClient { BaseAddress = proxy.Address };
        var direct = ClientOf(host.Client);
        Guid[] ids = [
            (await direct.IdeateAsync(Storms, cancellation: Cancellation)).Id, (await direct.IdeateAsync(Storms, cancellation: Cancellation)).Id,
            (await direct.OpenRelayAsync(new RelayRequest("one of three"), cancellation: Cancellation)).Id];
        await AppendAsync(direct, ids[2], 0);
        await direct.EndRelayAsync(ids[2], cancellation: Cancellation);
        var planned = 0;
        proxy.Plan = () => Interlocked.Increment(ref planned) <= CutsMin ? new Cut(random.NextInt64(500, 6000), random.Next(2) == 0 ? CutKind.Fin : CutKind.Rst) : null;

        var messages = await ClientOf(http).ReadStreamsAsync(ids, cancellation: Cancellation).ToListAsync(Cancellation);

        Assert.True(proxy.PlannedCuts >= CutsMin, $"seed {seed}: only {proxy.PlannedCuts} cuts");
        foreach (var id in ids)
            await AssertWholeAsync(host, id, [.. messages.Where(message => message.SessionId == id)], seed);
        Assert.Empty(await direct.ReadStreamsAsync(ids, messages[^1].EventId, Cancellation).ToListAsync(Cancellation));
    }

    [Fact]
    public async Task Session_that_is_deleted_meanwhile_says_so_and_the_others_go_on_from_their_cursors()
    {
        var client = ClientOf(service.Host.Client);
        var (gone, stays) = (await client.OpenRelayAsync(new RelayRequest("gone"), cancellation: Cancellation), await client.OpenRelayAsync(new RelayRequest("stays"), cancellation: Cancellation));
        var messages = new List<StreamMessage>();
        // Of the first everything, of the second what follows its start.
        await foreach (var message in client.ReadStreamsAsync([gone.Id, stays.Id], $"-.{stays.LastEventId}", Cancellation))
        {
            messages.Add(message);
            if (message.Type == MessageTypes.Start)
                await client.DeleteAsync("relay", gone.Id, Cancellation);
            else if (message.IsDeleted)
                await client.EndRelayAsync(stays.Id, cancellation: Cancellation);
        }

        Assert.Equal([(gone.Id, "start"), (gone.Id, "status"), (stays.Id, "end")], messages.Select(message => (message.SessionId!.Value, message.Type)));
        Assert.Equal("not_found", (await Assert.ThrowsAsync<StreamingException>(
            async () => await client.ReadStreamsAsync([gone.Id, stays.Id], cancellation: Cancellation).ToListAsync(Cancellation))).Code);
    }

    [Fact]
    public async Task Frame_that_something_in_between_swallowed_is_read_again()
    {
        var (id, http) = await EndedRelayThroughAsync(new Mangling(body => Mangling.Without(body, 3)));
        var messages = await ClientOf(http).ReadStreamAsync("relay", id, cancellation: Cancellation).ToListAsync(Cancellation);
        await AssertWholeAsync(service.Host, id, messages);
    }

    [Fact]
    public async Task Frame_that_comes_twice_is_told_once()
    {
        var (id, http) = await EndedRelayThroughAsync(new Mangling(body => Mangling.Twice(body, 3)));
        var messages = await ClientOf(http).ReadStreamAsync("relay", id, cancellation: Cancellation).ToListAsync(Cancellation);
        await AssertWholeAsync(service.Host, id, messages);
    }

    [Fact]
    public async Task Answer_that_ends_without_an_end_is_a_cut()
    {
        var (id, http) = await EndedRelayThroughAsync(new Mangling(body => body[..body.LastIndexOf("data:", StringComparison.Ordinal)]));
        var messages = await ClientOf(http).ReadStreamAsync("relay", id, cancellation: Cancellation).ToListAsync(Cancellation);
        await AssertWholeAsync(service.Host, id, messages);
    }

    [Fact]
    public async Task Silent_connection_is_given_up()
    {
        await using var proxy = new CuttableProxy(service.Host.Address);
        using var http = new HttpClient { BaseAddress = proxy.Address };
        var client = ClientOf(http, options => options.SilenceMax = TimeSpan.FromMilliseconds(300));
        var relay = await client.OpenRelayAsync(new RelayRequest("silent"), cancellation: Cancellation);
        var messages = new List<StreamMessage>();
        await foreach (var message in client.ReadStreamAsync("relay", relay.Id, cancellation: Cancellation))
        {
            messages.Add(message);
            if (message.Type != MessageTypes.Start)
                continue;
            // Written while nothing comes through: the connection looks alive and is not.
            proxy.Blackhole();
            await service.Host.Client.PostJsonAsync($"/api/relays/{relay.Id}/messages", new { type = "chunk", text = "a" }, HttpStatusCode.OK);
            await service.Host.Client.PostJsonAsync($"/api/relays/{relay.Id}/end", null);
            proxy.Cut();
            proxy.Pass();
        }

        await AssertWholeAsync(service.Host, relay.Id, messages);
    }

    [Fact]
    public async Task Stream_that_is_held_back_is_polled()
    {
        await using var host = await ServiceHost.StartAsync(service.Postgres, [new("Models:Offline:TokensPerSecond", "150")]);
        using var http = new HttpClient(new Withholding()) { BaseAddress = host.Address };
        var client = ClientOf(http, options => (options.OpenTimeMax, options.EmptyConnectionsMax) = (TimeSpan.FromMilliseconds(100), 2));
        var relay = await client.OpenRelayAsync(new RelayRequest("held back"), cancellation: Cancellation);
        await AppendAsync(client, relay.Id, 0);
        var texts = new List<string>();
        await foreach (var message in client.ReadStreamAsync("relay", relay.Id, cancellation: Cancellation))
        {
            if (message.Type != MessageTypes.Chunk)
                continue;
            texts.Add(message.Text!);
            if (texts.Count < 3)
                await AppendAsync(client, relay.Id, texts.Count);
            else
                await client.EndRelayAsync(relay.Id, cancellation: Cancellation);
        }

        Assert.Equal(["0", "1", "2"], texts);
    }

    [Fact]
    public async Task Refusal_has_the_code_of_the_problem()
    {
        var client = ClientOf(service.Host.Client);
        var missing = await Assert.ThrowsAsync<StreamingException>(() => client.GetAsync<IdeationState>("ideation", Guid.NewGuid(), Cancellation));
        Assert.Equal((HttpStatusCode.NotFound, "not_found"), (missing.Status, missing.Code));
        var stream = await Assert.ThrowsAsync<StreamingException>(async () => await client.ReadStreamAsync("ideation", Guid.NewGuid(), cancellation: Cancellation).ToListAsync(Cancellation));
        Assert.Equal("not_found", stream.Code);
    }

    [Fact]
    public async Task Service_that_stays_away_is_given_up_when_the_patience_is_over()
    {
        using var http = new HttpClient { BaseAddress = new Uri("http://127.0.0.1:1") };
        var client = ClientOf(http, options => options.Patience = TimeSpan.Zero);
        var fault = await Assert.ThrowsAsync<StreamingException>(async () => await client.ReadStreamAsync("relay", Guid.NewGuid(), cancellation: Cancellation).ToListAsync(Cancellation));
        Assert.Null(fault.Status);
    }

    [Fact]
    public async Task Token_that_is_refused_is_asked_for_anew_once()
    {
        var jwt = new JwtSettings();
        await using var host = await ServiceHost.StartAsync(service.Postgres, jwt.Settings);
        using var http = new HttpClient { BaseAddress = host.Address };
        var asked = new List<bool>();
        var client = ClientOf(http, options => options.Token = (isRefused, _) =>
        {
            asked.Add(isRefused);
            return ValueTask.FromResult<string?>(isRefused ? jwt.Token("ada") : "stale");
        });

        var relay = await client.OpenRelayAsync(new RelayRequest("mine"), cancellation: Cancellation);

        Assert.Equal([false, true], asked);
        Assert.Equal("mine", relay.Title);
        var stale = ClientOf(http, options => options.Token = (_, _) => ValueTask.FromResult<string?>("stale"));
        Assert.Equal("invalid_token", (await Assert.ThrowsAsync<StreamingException>(() => stale.GetAsync<RelayState>("relay", relay.Id, Cancellation))).Code);
    }

    static Task<RelayAppended> AppendAsync(ServiceClient client, Guid relay, int number) =>
        client.AppendAsync(relay, "test", number, [JsonElement.Parse($$"""{"type":"chunk","text":"{{number}}"}""")], Cancellation);

    async Task<(Guid Id, HttpClient Http)> EndedRelayThroughAsync(DelegatingHandler handler)
    {
        var client = ClientOf(service.Host.Client);
        var relay = await client.OpenRelayAsync(new RelayRequest("ended"), cancellation: Cancellation);
        await client.AppendAsync(relay.Id, "test", 1, [.. Enumerable.Range(0, 6).Select(i => JsonElement.Parse($$"""{"type":"note{{i}}","text":"{{i}}"}"""))], Cancellation);
        await client.EndRelayAsync(relay.Id, cancellation: Cancellation);
        return (relay.Id, new HttpClient(handler) { BaseAddress = service.Host.Address });
    }

    /// <summary>Every row of the table once, in order, with its text.</summary>
    static async Task AssertWholeAsync(ServiceHost host, Guid sessionId, List<StreamMessage> messages, int seed = 0)
    {
        var next = 0;
        foreach (var message in messages)
        {
            Assert.True(message.First == next, $"seed {seed}: {message.First} follows {next - 1}");
            next = message.Index!.Value + 1;
        }

        await using var source = NpgsqlDataSource.Create(host.ConnectionString);
        await using var command = source.CreateCommand(
            "select count(*)::int, string_agg(chunk_data::jsonb ->> 'text', '' order by chunk_index) filter (where chunk_type = 'chunk') from transform_chunks where transform_id = (select id from transforms where session_id = $1)");
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = sessionId });
        await using var row = await command.ExecuteReaderAsync(Cancellation);
        Assert.True(await row.ReadAsync(Cancellation));
        Assert.Equal(row.GetInt32(0), next);
        Assert.Equal(row.IsDBNull(1) ? "" : row.GetString(1), string.Concat(messages.Where(message => message.Type == MessageTypes.Chunk).Select(message => message.Text)));
    }

    /// <summary>Sends everything to another address than the client was made for.</summary>
    sealed class Rerouting(Uri target) : DelegatingHandler(new SocketsHttpHandler())
    {
        public Uri Target { get; set; } = target;

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            request.RequestUri = new Uri(Target, request.RequestUri!.PathAndQuery);
            return base.SendAsync(request, cancellationToken);
        }
    }

    /// <summary>Holds the answer of a stream back until it is whole, as a proxy that buffers does.</summary>
    sealed class Withholding() : DelegatingHandler(new SocketsHttpHandler())
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var response = await base.SendAsync(request, cancellationToken);
            if (request.RequestUri!.AbsolutePath.StartsWith("/api/stream/", StringComparison.Ordinal))
                await response.Content.LoadIntoBufferAsync(cancellationToken);
            return response;
        }
    }

    /// <summary>Changes the body of the first stream that comes by.</summary>
    sealed class Mangling(Func<string, string> change) : DelegatingHandler(new SocketsHttpHandler())
    {
        bool _isDone;

        public static string Without(string body, int place)
        {
            var events = body.Split("\n\n").ToList();
            events.RemoveAt(place);
            return string.Join("\n\n", events);
        }

        public static string Twice(string body, int place)
        {
            var events = body.Split("\n\n").ToList();
            events.Insert(place, events[place]);
            return string.Join("\n\n", events);
        }

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var response = await base.SendAsync(request, cancellationToken);
            if (_isDone || response.StatusCode != HttpStatusCode.OK)
                return response;
            _isDone = true;
            response.Content = new StringContent(change(await response.Content.ReadAsStringAsync(cancellationToken)));
            return response;
        }
    }
}
