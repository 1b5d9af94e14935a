using System.Buffers;
using BenchmarkDotNet.Attributes;
using Streaming.Protocol;
using Streaming.Sse;

namespace Streaming.Benchmarks.Micro;

/// <summary>A message as JSON, as it is read, and as a frame.</summary>
[MemoryDiagnoser]
public class FrameBenchmarks
{
    readonly byte[] _data = [.. """{"stage":"ideas","text":"some words of the generated text"}"""u8];
    readonly Guid _session = Guid.CreateVersion7();
    readonly ArrayBufferWriter<byte> _output = new(4096);
    readonly ChunkMessage _chunk = new("ideas", "some words of the generated text");

    [Benchmark]
    public byte[] JsonOfAMessage() => ProtocolJson.Utf8(_chunk);

    [Benchmark]
    public byte[] CheckOfData() => MessageData.Normalize(_data);

    [Benchmark]
    public int Frame()
    {
        _output.ResetWrittenCount();
        FrameWriter.WriteMessage(_output, new EventId(1, 42), 42, _session, "chunk", 1_767_000_000_000, _data);
        return _output.WrittenCount;
    }
}
