namespace Quickstart;

/// <summary>Counts words as wc does: what stands between white space.</summary>
internal sealed class WordCount
{
    private static readonly char[] s_space = [' ', '\t', '\v', '\f', '\r', '\n'];

    private readonly Dictionary<string, int> _counts = new(StringComparer.OrdinalIgnoreCase);

    public int Total { get; private set; }

    public static string[] Split(string line) => line.Split(s_space, StringSplitOptions.RemoveEmptyEntries);

    public void Add(string line)
    {
        foreach (var word in Split(line))
        {
            Total++;
            _counts[word] = _counts.GetValueOrDefault(word) + 1;
        }
    }

    public IEnumerable<KeyValuePair<string, int>> MostUsed(int count) =>
        _counts.Where(static w => w.Key.Length > 3 && w.Key.All(char.IsLetter)).OrderByDescending(static w => w.Value).Take(count);
}
