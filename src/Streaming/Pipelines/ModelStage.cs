using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using Streaming.Models;
using Streaming.Pipelines.Json;
using Streaming.Transforms;

namespace Streaming.Pipelines;

/// <summary>
/// A stage that is one conversation with the model: its text streams out as <c>chunk</c> messages, and each JSON value that is
/// complete in it is taken at once.
/// </summary>
/// <remarks>
/// <code>
///   asking ──deltas──> streaming ──complete──> enough? ──yes──> done
///     ▲ ▲                 │                      └─no, first time──> repair: ask once more, say what was wrong
///     │ └─warning, wait───┘ ModelFault that may pass                 no, again──> invalid_output
///     └──────────────────────────────────────────────────────────────┘
/// </code>
/// What was taken stays taken: a second try asks only for what is missing. When the user guides the generation, the answer is
/// broken off, and the model asked again with the user's words.
/// </remarks>
public abstract class ModelStage(string name)
{
    // The repair quotes the answer; more than this would only push the instructions out of a small model's view.
    const int QuotedCharactersMax = 4000;

    /// <summary>Name of the stage.</summary>
    public string Name { get; } = name;

    /// <summary>Who the model is to be.</summary>
    protected virtual string Role => "You write for people who make stories.";

    /// <summary>What to say before the request.</summary>
    protected abstract string Instructions { get; }

    /// <summary>The request itself, as it is now: what was already taken may shorten it.</summary>
    protected abstract JsonObject Request();

    /// <summary>What goes with the request besides its text: pictures.</summary>
    protected virtual IEnumerable<AIContent> Attachments => [];

    /// <summary>Most tokens of one answer; null: <c>Models:OutputTokensMax</c>.</summary>
    protected virtual int? OutputTokensMax => null;

    /// <summary>What is to be done within the stage before the model is asked.</summary>
    protected virtual Task PrepareAsync(RunContext run, CancellationToken cancellation) => Task.CompletedTask;

    /// <summary>Takes a value that the model has completed; passes over what it cannot use.</summary>
    protected abstract Task AcceptAsync(RunContext run, CompletedValue value, CancellationToken cancellation);

    /// <summary>How far the stage is, 0-1, with so many characters of text since the last value was taken.</summary>
    protected abstract double Fraction(int characters);

    /// <summary>What is being done, for a person.</summary>
    protected abstract string Label { get; }

    /// <summary>What is still missing, for the model and for a person; null when the stage has all it needs.</summary>
    protected abstract string? Missing { get; }

    /// <summary>Whether nothing more would be taken: what the user says now is for the next stage.</summary>
    protected virtual bool IsFull => Missing is null;

    /// <exception cref="TransformFault"><c>invalid_output</c>: two answers could not be used.</exception>
    /// <exception cref="ModelFault">The provider failed more often than it is tried.</exception>
    public async Task RunAsync(RunContext run, ModelClient model, CancellationToken cancellation)
    {
        if (run.IsCompleted(Name))
            return;
        await run.BeginStageAsync(Name, cancellation);
        await PrepareAsync(run, cancellation);
        var text = new StringBuilder();
        await AskAsync(run, model, () => Prompt(run), text, cancellation);
        if (Missing is { } missing)
        {
            await run.WarningAsync("invalid_output", "invalid_output",
                $"The model's answer could not be used ({missing}). Asking once more.", 1, TimeSpan.Zero, cancellation);
            await run.RestartStageAsync("The model is asked once more.", cancellation);
            var answer = text.ToString();
            await AskAsync(run, model, () => Repair(run, answer, missing), text.Clear(), cancellation);
            if (Missing is { } stillMissing)
                throw new TransformFault("invalid_output", "invalid_output",
                    $"The model's answer could not be used: {stillMissing}. What it wrote was kept.", recoverable: true);
        }

        await run.CompleteStageAsync(cancellation);
    }

    async Task AskAsync(RunContext run, ModelClient model, Func<IReadOnlyList<ChatMessage>> prompt, StringBuilder text, CancellationToken cancellation)
    {
        var (isAgain, isGuided) = (false, false);
        do
            await TryAsync();
        while (isGuided && !IsFull);

        Task TryAsync() => model.RunAsync(async token =>
        {
            if (isAgain)
            {
                await run.RestartStageAsync(isGuided ? "The model is asked again, with your guidance." : "The model is asked again.", token);
                text.Clear();
            }

            (isAgain, isGuided) = (true, false);
            await run.TakeGuidanceAsync(token);
            isGuided = await StreamAsync(run, model, prompt(), text, token);
        }, retry => run.WarningAsync(
            retry.Fault.Code, retry.Fault.Category, $"{retry.Fault.Message} Trying again{(retry.Delay.TotalSeconds < 0.5 ? "" : $" in {retry.Delay.TotalSeconds:0} s")}.",
            retry.Attempt, retry.Delay, cancellation), cancellation);
    }

    /// <summary>Takes one answer in; true if it was broken off because the user guides the generation.</summary>
    async Task<bool> StreamAsync(
        RunContext run, ModelClient model, IReadOnlyList<ChatMessage> prompt, StringBuilder text, CancellationToken cancellation)
    {
        var reader = new PartialJsonReader();
        var since = 0;
        var arrival = run.GuidanceArrival;
        // Breaks off the wait for the model alone: what has come is taken in whole.
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, arrival);
        try
        {
            await foreach (var delta in model.StreamAsync(prompt, either.Token, OutputTokensMax))
            {
                text.Append(delta);
                since += delta.Length;
                await run.ChunkAsync(delta, cancellation);
                foreach (var value in reader.Push(delta))
                {
                    await AcceptAsync(run, value, cancellation);
                    since = 0;
                }

                await run.ProgressAsync(Fraction(since), Label, cancellation);
            }
        }
        catch (OperationCanceledException) when (arrival.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            return true;
        }

        return false;
    }

    List<ChatMessage> Prompt(RunContext run)
    {
        var (instructions, request) = (Instructions, Request());
        if (run.Guidance.Any())
        {
            instructions += " In `guidance` the user has said, one after the other, what to go by from now on: follow it; where two disagree, the later one.";
            request["guidance"] = new JsonArray([.. run.Guidance.Select(text => (JsonNode?)JsonValue.Create(text))]);
        }

        return
        [
            new(ChatRole.System, $"{Role} Answer with one JSON value and nothing else: no code fence, no comment."),
            new(ChatRole.User, [.. Attachments, new TextContent($"{instructions}\n\n<request>{request.ToJsonString()}</request>")]),
        ];
    }

    List<ChatMessage> Repair(RunContext run, string answer, string missing)
    {
        var prompt = Prompt(run);
        prompt.Insert(1, prompt[1].Clone());
        prompt.Insert(2, new ChatMessage(ChatRole.Assistant, answer.Length > QuotedCharactersMax ? answer[..QuotedCharactersMax] : answer));
        prompt[3] = new ChatMessage(ChatRole.User, $"That could not be used: {missing}. Write it as valid JSON and nothing else.\n\n{prompt[3].Text}");
        return prompt;
    }
}
