using Microsoft.Extensions.Options;
using Streaming.Configuration;

namespace Streaming.Pipelines.Analysis;

/// <summary>Refuses a start with options that no analysis could run with.</summary>
public sealed class AnalysisOptionsValidation : IValidateOptions<AnalysisOptions>
{
    static readonly TimeSpan BudgetMin = TimeSpan.FromMilliseconds(500);
    static readonly TimeSpan TimeMax = TimeSpan.FromHours(24);

    public ValidateOptionsResult Validate(string? name, AnalysisOptions options)
    {
        var faults = Faults(options).ToList();
        return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }

    static IEnumerable<string> Faults(AnalysisOptions options)
    {
        if (options.Concurrency < 1)
            yield return "Analyses:Concurrency must be 1 or more.";
        if (!(BudgetMin <= options.UrgentBudget && options.UrgentBudget <= options.KeyboardBudget && options.KeyboardBudget <= options.IdealBudget
            && options.IdealBudget <= options.Budget && options.Budget <= TimeMax))
            yield return "Analyses:UrgentBudget, Analyses:KeyboardBudget, Analyses:IdealBudget and Analyses:Budget must be 0.5 s or more, each at least the one before.";
        if (options.WithinBudgetMin is not (>= 0.5 and < 1))
            yield return "Analyses:WithinBudgetMin must be 0.5 or more, and less than 1.";
        if (options.MissesMax is not (>= 0 and <= 1))
            yield return "Analyses:MissesMax must be 0 to 1.";
        if (options.HistoryAge <= TimeSpan.Zero || options.HistoryAge > TimeSpan.FromDays(30))
            yield return "Analyses:HistoryAge must be more than 0, and 30 days at most.";
        if (options.ContextCharactersMax < 1 || options.SuggestionCharactersMax < 20)
            yield return "Analyses:ContextCharactersMax must be 1 or more, and Analyses:SuggestionCharactersMax 20 or more.";
        if (options.SelfTestTimeout <= TimeSpan.Zero || options.SelfTestTimeout > TimeSpan.FromMinutes(10))
            yield return "Analyses:SelfTestTimeout must be more than 0, and 10 min at most.";
    }
}
