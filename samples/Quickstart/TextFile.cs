namespace Quickstart;

/// <summary>What the file holds, counted without Comet, to compare with.</summary>
internal static class TextFile
{
    /// <summary>The lines without their line feeds; what stands behind the last line feed is a line only when there is something.</summary>
    public static List<string> ReadLines(string file)
    {
        var lines = File.ReadAllText(file).Split('\n').ToList();
        if (lines[^1].Length == 0)
            lines.RemoveAt(lines.Count - 1);
        return lines;
    }

    public static int CountLineFeeds(string file) => File.ReadAllBytes(file).Count(static b => b == '\n');

    public static int CountWords(string file) => ReadLines(file).Sum(static line => WordCount.Split(line).Length);
}
