using System.Text.Json;

namespace Streaming.Models.Offline;

/// <summary>
/// The phrases of one family of genres; see <see cref="GenrePhrases"/>. A genre belongs to the first family of which
/// its name contains a word.
/// </summary>
internal sealed record GenreFamily(
    string Name, string[] Words, string[] Nouns, string[] Hooks, string[] Pressures, string[] Twists);

/// <summary>A genre that the user asked for, and its part in the whole: shares add up to 1.</summary>
internal sealed record GenreShare(string Name, double Share, GenreFamily Family)
{
    private const int NameCharactersMax = 30;
    private const int GenresMax = 12;

    /// <summary>
    /// Reads <c>genrePaths</c> (a name, <c>a/b</c>, or an array from general to special; same names add up)
    /// and <c>genreProportions</c> (any scale), in the order of the paths. Missing or senseless proportions
    /// count as equal parts, zeros drop out beside others.
    /// </summary>
    public static IReadOnlyList<GenreShare> Read(OfflineRequest request)
    {
        var proportions = request.Array("genreProportions")
            .Select(p => p.ValueKind == JsonValueKind.Number && p.TryGetDouble(out var value) ? value : double.NaN)
            .ToArray();
        var paths = request.Array("genrePaths").Select(PathOf).Take(GenresMax).ToArray();
        var usable = proportions.Length >= paths.Length
            && proportions.All(p => p is >= 0 and <= 1e12) && proportions.Take(paths.Length).Sum() > 0;

        var genres = paths
            .Select((path, i) => (Path: path, Weight: usable ? proportions[i] : 1))
            .Where(genre => genre.Path.Length > 0 && genre.Weight > 0)
            .GroupBy(genre => NameOf(genre.Path[^1]))
            .Where(same => same.Key.Length > 0)
            .Select(same => (Name: same.Key, Weight: same.Sum(genre => genre.Weight), Family: FamilyOf(same.First().Path)))
            .ToArray();
        var total = genres.Sum(genre => genre.Weight);
        return [.. genres.Select(genre => new GenreShare(genre.Name, genre.Weight / total, genre.Family))];
    }

    private static string[] PathOf(JsonElement element)
    {
        var names = element.ValueKind == JsonValueKind.Array
            ? element.EnumerateArray().Select(OfflineRequest.StringOf)
            : OfflineRequest.StringOf(element).Split('/', '>');
        return [.. names.Select(name => name.Trim()).Where(name => name.Any(char.IsLetterOrDigit))];
    }

    private static string NameOf(string leaf)
    {
        var name = string.Join(' ', leaf.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Take(3));
        var kept = name.Where(c => char.IsLetterOrDigit(c) || c is ' ' or '-' or '&' or '\'');
        name = string.Concat(kept.Take(NameCharactersMax)).Trim();
        return name.Length <= 4 && name.All(c => !char.IsLower(c)) ? name : name.ToLowerInvariant();
    }

    private static GenreFamily FamilyOf(string[] path)
        => path.Reverse().Select(FamilyNamed).FirstOrDefault(family => family is not null) ?? GenrePhrases.Drama;

    private static GenreFamily? FamilyNamed(string name)
        => GenrePhrases.All.FirstOrDefault(
            family => family.Words.Any(word => name.Contains(word, StringComparison.OrdinalIgnoreCase)));
}
