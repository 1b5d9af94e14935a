using System.Text.Json.Nodes;
using Streaming.Configuration;
using Streaming.Models;
using Streaming.Sessions;
using Streaming.Transforms;

namespace Streaming.Pipelines.Outline.Documents;

/// <summary>
/// Merges the summaries of a document's passages, in rounds, until all of them together are short enough for an outline to be made from.
/// </summary>
/// <remarks>
/// <code>
///   round 0   s s s s s s s s s s s s s     a summary for each passage
///   round 1   S       S       S       S     neighbours, as many as fit into one call, become one
///   round 2   …                             until they fit into Documents:SourceCharacters
/// </code>
/// A summary is a quarter of a call at most, so each round leaves a quarter at most, and one at last.
/// </remarks>
public sealed class CondensingStage(RunContext run, ModelClient model, ArtifactReader artifacts, DocumentOptions options)
{
    public const string StageName = "condensing";
    const string Separator = "\n\n";

    sealed record Group(int Number, IReadOnlyList<DocumentSummary> Parts);

    public async Task RunAsync(CancellationToken cancellation)
    {
        if (run.IsCompleted(StageName))
            return;
        await run.BeginStageAsync(StageName, cancellation);
        if (SourceDocument.TextOf(run) is null)
        {
            var document = SourceDocument.Of(run.Input);
            using var writer = new SummaryWriter(run, model, options.SummaryCharacters);
            var known = await DocumentSummary.ReadAsync(artifacts, run, document.Crc32C, cancellation);
            var summaries = Chain(known);
            var begun = Length(summaries);
            for (var round = 1; Length(summaries) > options.SourceCharacters; round++)
            {
                // By its logarithm: each round leaves a fraction of what the one before has left.
                var fraction = Math.Log((double)begun / Length(summaries)) / Math.Log((double)begun / options.SourceCharacters);
                await run.ProgressAsync(0.9 * fraction, $"Merging {summaries.Count} summaries", cancellation);
                summaries = await MergeAsync(round, summaries, known, document, writer, cancellation);
            }

            await SourceDocument.StoreAsync(run, string.Join(Separator, summaries.Select(summary => summary.Text)), cancellation);
        }

        await run.CompleteStageAsync(cancellation);
    }

    /// <summary>Those of the passages, each from where the one before ends; passages without text have none.</summary>
    static List<DocumentSummary> Chain(Dictionary<(int Round, long From), DocumentSummary> known)
    {
        var chain = new List<DocumentSummary>();
        foreach (var summary in known.Values.Where(summary => summary.Round == 0).OrderBy(summary => summary.From))
            if (chain.Count == 0 || summary.From >= chain[^1].To)
                chain.Add(summary);
        return chain;
    }

    async Task<List<DocumentSummary>> MergeAsync(
        int round, List<DocumentSummary> summaries, Dictionary<(int Round, long From), DocumentSummary> known, SourceDocument document, SummaryWriter writer,
        CancellationToken cancellation)
    {
        var groups = Groups(summaries);
        var merged = new DocumentSummary[groups.Count];
        await Parallel.ForEachAsync(groups, new ParallelOptions { MaxDegreeOfParallelism = options.PassagesAtOnce, CancellationToken = cancellation }, async (group, token) =>
        {
            var (from, to) = (group.Parts[0].From, group.Parts[^1].To);
            if (group.Parts.Count == 1)
                merged[group.Number] = group.Parts[0];
            else if (known.TryGetValue((round, from), out var earlier) && earlier.To == to)
                merged[group.Number] = earlier;
            else
            {
                var text = await writer.WriteAsync(
                    "Below are summaries of a manuscript's parts, one after the other. Make one summary of them: keep who the people are, what they want, and how it goes on.",
                    new JsonObject
                    {
                        ["task"] = "summary_merge",
                        ["title"] = document.Title,
                        ["text"] = string.Join(Separator, group.Parts.Select(part => part.Text)),
                    }, token);
                merged[group.Number] = new DocumentSummary(round, from, to, text);
                await writer.TellAsync(() => merged[group.Number].StoreAsync(run, group.Number, document.Crc32C, token), token);
            }
        });
        return [.. merged];
    }

    /// <summary>Neighbours that fit into one call; four at least, but for the last ones.</summary>
    List<Group> Groups(List<DocumentSummary> summaries)
    {
        var groups = new List<Group>();
        for (var next = 0; next < summaries.Count;)
        {
            var (first, length) = (next, summaries[next++].Text.Length);
            while (next < summaries.Count && length + Separator.Length + summaries[next].Text.Length <= options.PassageCharacters)
                length += Separator.Length + summaries[next++].Text.Length;
            groups.Add(new Group(groups.Count, summaries[first..next]));
        }

        return groups;
    }

    static int Length(List<DocumentSummary> summaries) => summaries.Sum(summary => summary.Text.Length + Separator.Length);
}
