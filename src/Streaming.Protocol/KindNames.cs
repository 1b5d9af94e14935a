namespace Streaming.Protocol;

/// <summary>Names of the kinds of sessions in addresses.</summary>
public static class KindNames
{
    /// <summary><c>ideation</c> is <c>ideations</c>, <c>analysis</c> is <c>analyses</c>.</summary>
    public static string Plural(string kind) => kind.EndsWith("is", StringComparison.Ordinal) ? $"{kind[..^2]}es" : $"{kind}s";
}
