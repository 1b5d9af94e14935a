using System.Text;
using Streaming.Files;
using Xunit;

namespace Streaming.Tests.Files;

/// <summary>Passages of texts, whatever they are encoded in, against the decoder of the framework.</summary>
public sealed class DocumentTextTests : IDisposable
{
    static readonly string[] Pieces = ["a", "word ", "Sätze. ", "灯台。", "🙂", "\n", "\n\n", "\r\n\r\n", "\t", "é", "x-y ", "“Said he.” "];

    readonly FileRig _rig = new();

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("utf-8", false)]
    [InlineData("utf-8", true)]
    [InlineData("utf-16", true)]
    [InlineData("utf-16BE", true)]
    public async Task Passages_are_the_text_in_order_and_begin_where_the_one_before_ends(string encodingName, bool hasMark)
    {
        var encoding = Encoding.GetEncoding(encodingName);
        for (var seed = 0; seed < 20; seed++)
        {
            var random = new Random(seed);
            var text = string.Concat(Enumerable.Range(0, random.Next(1, 60_000)).Select(_ => Pieces[random.Next(Pieces.Length)]));
            var bytes = hasMark ? [.. encoding.GetPreamble(), .. encoding.GetBytes(text)] : encoding.GetBytes(text);
            var passages = await ReadAsync(bytes, 1000);
            Assert.Equal(text, string.Concat(passages.Select(passage => passage.Text)));
            Assert.All(passages, passage => Assert.Equal((0, true), (passage.Damage, passage.Text.Length <= 1000)));
            Assert.All(passages.Zip(passages.Skip(1)), pair => Assert.Equal(pair.First.To, pair.Second.From));
            Assert.Equal(bytes.Length, passages[^1].To);

            // One that is read by itself is the same.
            var one = passages[random.Next(passages.Count)];
            using var document = Open(bytes, 1000);
            Assert.Equal(one, await document.ReadAsync(one.From == passages[0].From ? 0 : one.From, Cancellation));
        }
    }

    [Theory]
    [InlineData(new byte[] { (byte)'a', 0xFF, (byte)'b' }, "a\uFFFDb", 1)]
    [InlineData(new byte[] { (byte)'a', 0xE2, 0x82 }, "a\uFFFD", 1)]
    [InlineData(new byte[] { (byte)'a', 0, 7, (byte)'b' }, "a  b", 2)]
    [InlineData(new byte[] { 0xFF, 0xFE, 0x3D, 0xD8, (byte)'b', 0, 9 }, "\uFFFDb", 1)]
    [InlineData(new byte[] { 0xFE, 0xFF, 0xD8, 0x3D }, "\uFFFD", 1)]
    [InlineData(new byte[] { 0xEF, 0xBB, 0xBF, 0xEF, 0xBF, 0xBD }, "\uFFFD", 0)]
    public async Task Bytes_that_are_no_text_are_counted_and_nothing_is_lost(byte[] bytes, string expected, int damage)
    {
        var passage = Assert.Single(await ReadAsync(bytes, 1000));
        Assert.Equal((expected, damage, bytes.Length), (passage.Text, passage.Damage, passage.To));
    }

    [Fact]
    public async Task Random_bytes_end()
    {
        for (var seed = 0; seed < 20; seed++)
        {
            var bytes = new byte[300_000];
            new Random(seed).NextBytes(bytes);
            if (seed % 2 == 0)
                (bytes[0], bytes[1]) = (0xFF, 0xFE);
            var passages = await ReadAsync(bytes, 1000);
            Assert.Equal(bytes.Length, passages[^1].To);
            Assert.All(passages, passage => Assert.True(passage.To > passage.From));
        }
    }

    [Fact]
    public async Task Deleted_file_is_gone_for_a_reader_too()
    {
        var path = Write(Encoding.UTF8.GetBytes(new string('a', 5000)));
        using var document = Open(path, 1000);
        Assert.NotNull(await document.ReadAsync(0, Cancellation));
        File.Delete(path);
        Assert.Equal(FileFault.Gone, (await Assert.ThrowsAsync<FileFaultException>(() => document.ReadAsync(1000, Cancellation))).Fault);
    }

    async Task<List<Passage>> ReadAsync(byte[] bytes, int characters)
    {
        using var document = Open(bytes, characters);
        var passages = new List<Passage>();
        for (var position = 0L; await document.ReadAsync(position, Cancellation) is { } passage; position = passage.To)
            passages.Add(passage);
        Assert.Equal(0, _rig.Streams.ActiveCount);
        return passages;
    }

    DocumentText Open(byte[] bytes, int characters) => Open(Write(bytes), characters);

    DocumentText Open(string path, int characters) => new(FileSource.Open(path, null, _rig.Clock), _rig.Streams, path, characters);

    string Write(byte[] bytes)
    {
        var path = Path.Combine(_rig.Folder, "document");
        File.WriteAllBytes(path, bytes);
        return path;
    }

    public void Dispose() => _rig.Dispose();
}
