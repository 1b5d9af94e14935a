namespace Streaming.Pipelines.Analysis;

/// <summary>A stage of an analysis that takes one object from the model: it is as far as its text is long.</summary>
/// <param name="name">Of the stage.</param>
/// <param name="typicalCharacters">About what a model writes; only the progress within the stage depends on it.</param>
public abstract class AnalysisStage(string name, double typicalCharacters) : ModelStage(name)
{
    const double UnfinishedMax = 0.95;

    int _before;
    int _since;

    protected override double Fraction(int characters)
    {
        // They are counted anew after each property.
        if (characters < _since)
            _before += _since;
        _since = characters;
        return Math.Min(UnfinishedMax, (_before + characters) / typicalCharacters);
    }
}
