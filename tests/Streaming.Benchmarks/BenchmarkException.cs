namespace Streaming.Benchmarks;

/// <summary>A run that could not be carried through.</summary>
sealed class BenchmarkException(string message) : Exception(message);
