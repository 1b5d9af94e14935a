using System.Globalization;
using System.Text;
using Npgsql;
using Streaming.Estimation;

namespace Streaming.Benchmarks.Estimates;

/// <summary>
/// Replays what a service has recorded: each completed run is foretold from those before it, at each tenth of its time. Of what
/// happened inside a stage only its half is recorded.
/// </summary>
static class RecordedRuns
{
    const int HistoryMin = 3;

    // As many as can be looked at in a few seconds.
    const int RunsMax = 1000;

    public static async Task<string> ReplayAsync(string connectionString, CancellationToken cancellation)
    {
        await using var source = NpgsqlDataSource.Create(connectionString);
        await using var connection = await source.OpenConnectionAsync(cancellation);
        var kinds = new List<string>();
        await using (var command = new NpgsqlCommand("select distinct kind from transforms where status = 'completed' order by kind", connection))
        await using (var reader = await command.ExecuteReaderAsync(cancellation))
            while (await reader.ReadAsync(cancellation))
                kinds.Add(reader.GetString(0));

        var text = new StringBuilder("| kind | runs | error of the time left | arrival | naive | median of history | p90 covers |\n|---|---|---|---|---|---|---|\n");
        foreach (var kind in kinds)
            text.Append(Replayed(kind, (await StageHistory.ReadAsync(connection, kind, "ideaCount", cancellation, RunsMax)).Runs));
        return text.ToString();
    }

    static string Replayed(string kind, IReadOnlyList<PastRun> newestFirst)
    {
        List<double> ours = [], arrival = [], naive = [], usual = [], covered = [];
        for (var i = 0; i + HistoryMin < newestFirst.Count; i++)
        {
            var history = newestFirst.Skip(i + 1).Take(DurationModel.RunsMax).ToList();
            var run = Recorded(newestFirst[i]);
            if (run.Seconds <= 0)
                continue;
            var model = DurationModel.Fit(history, newestFirst[i].Model, SimulatedKind.Planned(run));
            var totals = history.Select(past => Recorded(past).Seconds).Order().ToList();
            foreach (var moment in Replay.Run(model, run, Calibration.None, Enumerable.Range(1, 9).Select(tenth => tenth / 10.0 * run.Seconds)).Moments)
            {
                var left = run.Seconds - moment.Elapsed;
                covered.Add(left <= moment.Forecast90 ? 1 : 0);
                if (moment.Elapsed < run.Seconds / 2)
                    continue;
                ours.Add(Math.Abs(moment.Forecast50 - left) / left);
                arrival.Add(Math.Abs(moment.Forecast50 - left) / run.Seconds);
                if (moment.Naive is { } said)
                    naive.Add(Math.Abs(said - left) / left);
                usual.Add(Math.Abs(Math.Max(0, totals[totals.Count / 2] - moment.Elapsed) - left) / left);
            }
        }

        return ours.Count == 0
            ? string.Create(CultureInfo.InvariantCulture, $"| {kind} | {newestFirst.Count} | too few runs | | | | |\n")
            : string.Create(CultureInfo.InvariantCulture,
                $"| {kind} | {newestFirst.Count} | {Median(ours):0.0 %} | {Median(arrival):0.0 %} | {Median(naive):0.0 %} | {Median(usual):0.0 %} | {covered.Average():0.0 %} |\n");
    }

    static TrueRun Recorded(PastRun run)
    {
        var stages = run.Stages.Where(stage => stage.Stage != DurationModel.QueueStage).ToList();
        return new TrueRun(stages.Count > 0 ? stages[0].Size : 1, [.. stages.Select(stage => new TrueStage(
            stage.Stage, stage.Seconds, stage.HalfSeconds is { } half && half < stage.Seconds ? [(half, 0.5)] : []))]);
    }

    static double Median(List<double> values)
    {
        values.Sort();
        return values.Count == 0 ? double.NaN : values[values.Count / 2];
    }
}
