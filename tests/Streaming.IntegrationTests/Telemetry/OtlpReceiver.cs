using System.Collections.Concurrent;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Streaming.IntegrationTests.Fixtures;

namespace Streaming.IntegrationTests.Telemetry;

/// <summary>A span as it was received.</summary>
public sealed record ReceivedSpan(
    string Name, string TraceId, string SpanId, string ParentSpanId, IReadOnlyDictionary<string, string> Attributes, IReadOnlyList<string> LinkedSpanIds, bool IsError,
    IReadOnlyDictionary<string, string> Resource);

/// <summary>A receiver of OTLP over HTTP on a loopback port, which reads as much of the protocol as the tests look at.</summary>
public sealed class OtlpReceiver : IAsyncDisposable
{
    readonly WebApplication _app;
    readonly ConcurrentQueue<(string Path, byte[] Body)> _bodies = new();

    OtlpReceiver(WebApplication app) => _app = app;

    public Uri Address { get; private set; } = null!;

    public static async Task<OtlpReceiver> StartAsync(CancellationToken cancellation)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        var app = builder.Build();
        var receiver = new OtlpReceiver(app);
        app.Run(receiver.ReceiveAsync);
        await app.StartAsync(cancellation);
        receiver.Address = new Uri(app.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.First());
        return receiver;
    }

    async Task ReceiveAsync(HttpContext http)
    {
        using var body = new MemoryStream();
        await http.Request.Body.CopyToAsync(body, http.RequestAborted);
        _bodies.Enqueue((http.Request.Path, body.ToArray()));
        http.Response.ContentType = "application/x-protobuf";
    }

    /// <summary>Waits until traces and metrics have come of so many services that have stopped: under the tests' host the last of them may still be on their way.</summary>
    public Task StoppedAsync(int services = 1) => Eventually.TrueAsync(
        () => Task.FromResult(_bodies.Count(body => body.Path == "/v1/metrics") >= services && Spans.Select(span => span.Resource["service.instance.id"]).Distinct().Count() >= services),
        "what was left has been sent");

    public IReadOnlyList<string> Paths => [.. _bodies.Select(body => body.Path).Distinct().Order()];

    /// <summary>Whether a text is anywhere in what was sent.</summary>
    public bool Holds(string text) => _bodies.Any(body => body.Body.AsSpan().IndexOf(Encoding.UTF8.GetBytes(text)) >= 0);

    /// <summary>All spans, by the field numbers of opentelemetry/proto/trace/v1/trace.proto.</summary>
    public IReadOnlyList<ReceivedSpan> Spans =>
    [
        .. from body in _bodies
           where body.Path == "/v1/traces"
           from resourceSpans in Proto.Fields(body.Body, 1)
           let resource = Proto.Fields(resourceSpans, 1).SelectMany(one => Proto.Fields(one, 1)).ToDictionary(Proto.Key, Proto.Value)
           from scopeSpans in Proto.Fields(resourceSpans, 2)
           from span in Proto.Fields(scopeSpans, 2)
           select new ReceivedSpan(
               Proto.Text(span, 5), Proto.Hex(span, 1), Proto.Hex(span, 2), Proto.Hex(span, 4),
               Proto.Fields(span, 9).ToDictionary(Proto.Key, Proto.Value), [.. Proto.Fields(span, 13).Select(link => Proto.Hex(link, 2))],
               Proto.Fields(span, 15).Any(status => Proto.Number(status, 3) == 2), resource),
    ];

    /// <summary>Names of all metrics, by the field numbers of opentelemetry/proto/metrics/v1/metrics.proto.</summary>
    public IReadOnlySet<string> Metrics => (
        from body in _bodies
        where body.Path == "/v1/metrics"
        from resourceMetrics in Proto.Fields(body.Body, 1)
        from scopeMetrics in Proto.Fields(resourceMetrics, 2)
        from metric in Proto.Fields(scopeMetrics, 2)
        select Proto.Text(metric, 1)).ToHashSet();

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    /// <summary>As much of the wire format of protocol buffers as is needed.</summary>
    static class Proto
    {
        public static IEnumerable<byte[]> Fields(byte[] message, int number) => All(message).Where(field => field.Number == number).Select(field => field.Bytes);

        public static string Text(byte[] message, int number) => Encoding.UTF8.GetString(Fields(message, number).FirstOrDefault([]));

        public static string Hex(byte[] message, int number) => Convert.ToHexStringLower(Fields(message, number).FirstOrDefault([]));

        public static ulong Number(byte[] message, int number) => All(message).FirstOrDefault(field => field.Number == number).Value;

        public static string Key(byte[] keyValue) => Text(keyValue, 1);

        /// <summary>An <c>AnyValue</c>: 1 text, 2 whether, 3 whole number.</summary>
        public static string Value(byte[] keyValue) => All(Fields(keyValue, 2).First()).First() switch
        {
            (1, _, var text) => Encoding.UTF8.GetString(text),
            (_, var number, _) => number.ToString(System.Globalization.CultureInfo.InvariantCulture),
        };

        static List<(int Number, ulong Value, byte[] Bytes)> All(byte[] message)
        {
            var fields = new List<(int, ulong, byte[])>();
            for (var at = 0; at < message.Length;)
            {
                var tag = Varint(message, ref at);
                var (number, value, length) = ((int)(tag >> 3), 0UL, 0);
                switch (tag & 7)
                {
                    case 0: value = Varint(message, ref at); break;
                    case 1: length = 8; break;
                    case 2: length = (int)Varint(message, ref at); break;
                    case 5: length = 4; break;
                    default: throw new InvalidDataException($"Wire type {tag & 7}.");
                }

                fields.Add((number, value, message[at..(at + length)]));
                at += length;
            }

            return fields;
        }

        static ulong Varint(byte[] message, ref int at)
        {
            var value = 0UL;
            for (var shift = 0; ; shift += 7)
            {
                var next = message[at++];
                value |= (ulong)(next & 0x7f) << shift;
                if (next < 0x80)
                    return value;
            }
        }
    }
}
