namespace Streaming.Database.Embedded;

/// <summary>The end of a program's output, for error messages; bounded, thread-safe.</summary>
sealed class LastLines
{
    readonly Queue<string> _lines = new();

    public void Add(string line)
    {
        lock (_lines)
        {
            _lines.Enqueue(line);
            if (_lines.Count > EmbeddedPostgresLimits.OutputLinesMax)
                _lines.Dequeue();
        }
    }

    public bool Contains(string text)
    {
        lock (_lines)
            return _lines.Any(line => line.Contains(text, StringComparison.Ordinal));
    }

    public override string ToString()
    {
        lock (_lines)
            return _lines.Count == 0
                ? "(no output)"
                : string.Join('\n', _lines.Select(line => "  " + line));
    }
}
