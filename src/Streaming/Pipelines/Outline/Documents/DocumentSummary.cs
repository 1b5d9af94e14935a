using System.Net.Mime;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Streaming.Messages;
using Streaming.Sessions;
using Streaming.Transforms;

namespace Streaming.Pipelines.Outline.Documents;

/// <summary>What the model made of a part of a document: durable, so that nothing is summarised twice.</summary>
/// <param name="Round">0: of a passage; from 1 on: of summaries of the round before.</param>
/// <param name="From">First byte of the part.</param>
/// <param name="To">The byte after its last.</param>
/// <param name="Text">The summary.</param>
public sealed record DocumentSummary(int Round, long From, long To, string Text)
{
    public const string ArtifactType = "summary";

    // More than there can be in one round.
    const int RoundPositions = 1_000_000;

    /// <summary>Those of a document that the runs of a session have made; of another state of the file there are none.</summary>
    /// <param name="artifacts">Where they stand.</param>
    /// <param name="run">The run that goes on with them.</param>
    /// <param name="crc32C">Checksum of the document.</param>
    /// <param name="cancellation">Ends the wait.</param>
    public static async Task<Dictionary<(int Round, long From), DocumentSummary>> ReadAsync(
        ArtifactReader artifacts, RunContext run, string crc32C, CancellationToken cancellation)
    {
        var known = new Dictionary<(int, long), DocumentSummary>();
        foreach (var (json, content) in await run.ReadAsync(token => artifacts.ReadAllAsync(run.SessionId, ArtifactType, token), cancellation))
        {
            var data = JsonElement.Parse(json);
            if (data.GetProperty("crc32c").GetString() != crc32C)
                continue;
            var summary = new DocumentSummary(
                data.GetProperty("round").GetInt32(), data.GetProperty("from").GetInt64(), data.GetProperty("to").GetInt64(), Encoding.UTF8.GetString(content));
            known[(summary.Round, summary.From)] = summary;
        }

        return known;
    }

    /// <summary>Stores it in the transaction of the message that tells of it.</summary>
    /// <param name="run">The run that made it.</param>
    /// <param name="number">Its place in its round, from 0.</param>
    /// <param name="crc32C">Checksum of the document.</param>
    /// <param name="cancellation">Ends the wait for room in the queue.</param>
    public Task StoreAsync(RunContext run, int number, string crc32C, CancellationToken cancellation)
    {
        var id = Guid.CreateVersion7();
        var content = Encoding.UTF8.GetBytes(Text);
        var data = new JsonObject
        {
            ["name"] = $"summary-{Round}-{number + 1:0000}.txt",
            ["contentType"] = MediaTypeNames.Text.Plain,
            ["bytes"] = content.Length,
            ["round"] = Round,
            ["from"] = From,
            ["to"] = To,
            ["crc32c"] = crc32C,
            ["artifactId"] = id,
            ["url"] = $"/api/{OutlinePipeline.KindName}s/{run.SessionId}/artifacts/{id}",
        };
        return run.FileAsync(id, ArtifactType, Round * RoundPositions + number, JsonSerializer.SerializeToElement(data),
            new ArtifactFile(content, MediaTypeNames.Text.Plain), cancellation);
    }
}
