using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using Streaming.Configuration;
using Streaming.Files;
using Streaming.Models;
using Streaming.Sessions;
using Streaming.Transforms;

namespace Streaming.Pipelines.Outline.Documents;

/// <summary>
/// Reads a document passage by passage, and has several of them summarised at once. A passage whose summary is stored is passed over, unread.
/// </summary>
/// <remarks>
/// <code>
///   file ──DocumentText──> passage ──SummaryWriter──> summary, stored with the message that tells of it
///          one at a time             PassagesAtOnce    progress: bytes that are summarised
/// </code>
/// A text that is no longer than what an outline is made from is not summarised: it is the source itself.
/// </remarks>
public sealed class ReadingStage(RunContext run, ModelClient model, DocumentReader documents, ArtifactReader artifacts, DocumentOptions options)
{
    public const string StageName = "reading";

    // Umlauts of an old code page are a few in a hundred characters; of a file that is no text most are.
    const double DamageShareMax = 0.1;

    // From where the one before ended: 0 for the first, whatever mark the file begins with.
    sealed record Part(int Number, long From, Passage Passage);

    readonly SourceDocument _document = SourceDocument.Of(run.Input);
    long _done;
    int _count;
    bool _hasWarned;
    bool _isWhole;

    public async Task RunAsync(CancellationToken cancellation)
    {
        if (run.IsCompleted(StageName))
            return;
        await run.BeginStageAsync(StageName, cancellation);
        try
        {
            using var writer = new SummaryWriter(run, model, options.SummaryCharacters);
            var known = await DocumentSummary.ReadAsync(artifacts, run, _document.Crc32C, cancellation);
            using var text = await run.ReadAsync(token => documents.OpenAsync(_document.FileId, run.UserId, _document.Checksum, token), cancellation);
            await Parallel.ForEachAsync(PartsAsync(text, known, writer, cancellation),
                new ParallelOptions { MaxDegreeOfParallelism = options.PassagesAtOnce, CancellationToken = cancellation },
                async (part, token) => await SummariseAsync(part, text.Size, writer, token));
        }
        catch (FileFaultException fault)
        {
            throw Fault(fault);
        }

        if (_count == 0 && !_isWhole)
            throw new TransformFault("document_empty", "invalid_input", "There is no text in the document.", recoverable: false);
        await run.CompleteStageAsync(cancellation);
    }

    /// <summary>The passages without a summary, in order; read when there is somebody to summarise them.</summary>
    async IAsyncEnumerable<Part> PartsAsync(
        DocumentText text, Dictionary<(int, long), DocumentSummary> known, SummaryWriter writer, [EnumeratorCancellation] CancellationToken cancellation)
    {
        for (var position = 0L; position < text.Size;)
        {
            if (known.TryGetValue((0, position), out var earlier))
            {
                _count++;
                position = earlier.To;
                Interlocked.Add(ref _done, earlier.To - earlier.From);
                continue;
            }

            if (await text.ReadAsync(position, cancellation) is not { } passage)
                yield break;
            await CheckAsync(passage, writer, cancellation);
            if (position == 0 && passage.To == text.Size && passage.Text.Length <= options.SourceCharacters && !string.IsNullOrWhiteSpace(passage.Text))
            {
                _isWhole = true;
                await writer.TellAsync(() => SourceDocument.StoreAsync(run, passage.Text.Trim(), cancellation), cancellation);
                yield break;
            }

            if (string.IsNullOrWhiteSpace(passage.Text))
                Interlocked.Add(ref _done, passage.To - position);
            else
                yield return new Part(_count++, position, passage);
            position = passage.To;
        }
    }

    async Task SummariseAsync(Part part, long size, SummaryWriter writer, CancellationToken cancellation)
    {
        var passage = part.Passage;
        var summary = await writer.WriteAsync(
            "Summarise the passage of a manuscript below: who acts, where, what happens and what changes, with the names that it uses.",
            new JsonObject
            {
                ["task"] = "passage_summary",
                ["title"] = _document.Title,
                ["passage"] = part.Number + 1,
                ["text"] = passage.Text,
            }, cancellation);
        await writer.TellAsync(async () =>
        {
            await new DocumentSummary(0, part.From, passage.To, summary).StoreAsync(run, part.Number, _document.Crc32C, cancellation);
            var done = Interlocked.Add(ref _done, passage.To - part.From);
            await run.ProgressAsync((double)done / size, string.Create(CultureInfo.InvariantCulture, $"Read {done / 1e6:0.0} of {size / 1e6:0.0} MB"), cancellation);
        }, cancellation);
    }

    async Task CheckAsync(Passage passage, SummaryWriter writer, CancellationToken cancellation)
    {
        if (passage.Damage > DamageShareMax * passage.Text.Length)
            throw new TransformFault("document_unreadable", "invalid_input",
                $"The document is no text from byte {passage.From} on. It must be UTF-8, or UTF-16 with a byte order mark.", recoverable: false);
        if (passage.Damage == 0 || _hasWarned)
            return;
        _hasWarned = true;
        await writer.WarningAsync("document_damaged", "invalid_input",
            $"Some bytes of the document are no text, the first of them behind byte {passage.From}: they are passed over. It should be UTF-8, or UTF-16 with a byte order mark.",
            1, TimeSpan.Zero, cancellation);
    }

    static TransformFault Fault(FileFaultException fault) => fault.Fault switch
    {
        FileFault.Gone => new TransformFault("file_gone", "invalid_input", "The document was deleted. What was read of it before is kept.", recoverable: false),
        FileFault.Changed => new TransformFault("file_changed", "storage", "The document is not what it was: nothing that was read of it is mixed with what it is now.", recoverable: false),
        _ => new TransformFault("file_unreadable", "storage", "The document cannot be read at the moment.", recoverable: true),
    };
}
