using Microsoft.Extensions.Options;
using Streaming.Configuration;

namespace Streaming.Pipelines.Outline.Documents;

/// <summary>Refuses a start with options that no document could be condensed with.</summary>
public sealed class DocumentOptionsValidation : IValidateOptions<DocumentOptions>
{
    // Parts that a call of merging takes at least.
    const int MergedMin = 4;

    public ValidateOptionsResult Validate(string? name, DocumentOptions options)
    {
        var faults = Faults(options).ToList();
        return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }

    static IEnumerable<string> Faults(DocumentOptions options)
    {
        if (options.BytesMax < 1)
            yield return "Documents:BytesMax must be 1 or more.";
        if (options.SummaryCharacters < 100)
            yield return "Documents:SummaryCharacters must be 100 or more.";
        if (options.PassageCharacters is < 1_000 or > 1_000_000 || options.PassageCharacters < MergedMin * (options.SummaryCharacters + 2))
            yield return $"Documents:PassageCharacters must be 1000 to 1000000, and more than {MergedMin} times Documents:SummaryCharacters.";
        if (options.PassagesAtOnce is < 1 or > 64)
            yield return "Documents:PassagesAtOnce must be 1 to 64.";
        if (options.SourceCharacters < options.SummaryCharacters + 2)
            yield return "Documents:SourceCharacters must be more than Documents:SummaryCharacters.";
    }
}
