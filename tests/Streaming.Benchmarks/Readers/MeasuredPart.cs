namespace Streaming.Benchmarks.Readers;

/// <summary>Whether the steady part of a run, which alone is measured, is on. Gaps and repeats count always.</summary>
sealed class MeasuredPart
{
    volatile bool _isOn;

    public bool IsOn
    {
        get => _isOn;
        set => _isOn = value;
    }
}
