using System.Text.Json;

namespace Streaming.Pipelines.Json;

/// <summary>A value that <see cref="PartialJsonReader"/> has found complete in a model's answer.</summary>
/// <param name="Path">
/// Where it stands in its outermost value, array indexes dropped: <c>$</c>, <c>$.title</c>, <c>$.ideas</c>,
/// <c>$.ideas[]</c>, <c>$[]</c>. A property name is put in as it is, dots and all.
/// </param>
/// <param name="Value">
/// The value, owning its memory. Its strings hold neither NUL nor lone surrogates; of duplicate properties the last
/// one is found by name.
/// </param>
public sealed record CompletedValue(string Path, JsonElement Value);
