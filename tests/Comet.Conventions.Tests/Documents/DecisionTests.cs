using System.Text.RegularExpressions;

namespace Comet.Conventions.Tests.Documents;

/// <summary>Decisions are read for their first lines: what was decided, before why.</summary>
public sealed partial class DecisionTests
{
    [Fact]
    public void EveryDecisionBeginsInBrief()
    {
        var decisions = Repository.Files.Where(path => FolderPattern().IsMatch(path)).ToList();
        Finding.AssertNone(decisions.SelectMany(path => Check(path, Repository.Read(path))));

        var twice = decisions.Select(path => Path.GetFileName(path)[..4]).CountBy(number => number).Where(count => count.Value > 1);
        Assert.True(!twice.Any(), $"Two decisions share a number: {string.Join(", ", twice.Select(count => count.Key))}. Renumber one.");
    }

    [Theory]
    [InlineData("0001-layout.md", "# Layout\n\n## In brief\n\nAs it is.\n\n## Why\n", 0)]
    [InlineData("0001-layout.md", "# Layout\n\nIn brief: as it is.\n", 0)]
    [InlineData("0001-layout.md", "# Layout\n\n**In brief.** As it is.\n", 0)]
    [InlineData("layout.md", "# Layout\n\n## In brief\n\nAs it is.\n", 1)]
    [InlineData("0001-layout.md", "In brief: as it is.\n", 1)]
    [InlineData("0001-layout.md", "# Layout\n\n## Why\n\n## In brief\n\nAs it is.\n", 1)]
    [InlineData("0001-layout.md", "# Layout\n\n## In brief\n", 1)]
    [InlineData("0001-layout.md", "# Layout\n\n## In brief\n\n## Why\n", 1)]
    [InlineData("0001-layout.md", "", 2)]
    public void WrongBeginningIsFound(string name, string text, int findings) =>
        Assert.Equal(findings, Check("docs/decisions/" + name, text).Count());

    private static IEnumerable<Finding> Check(string path, string text)
    {
        var lines = text.ReplaceLineEndings("\n").Split('\n').Select(line => line.Trim()).Where(line => line.Length > 0).ToList();
        if (!NamePattern().IsMatch(Path.GetFileName(path)))
            yield return new Finding("decision", path, 0, "Is named NNNN-what-it-is-about.md.");

        if (lines is not [['#', ' ', ..], ..])
            yield return new Finding("decision", path, 1, "Begins with a heading.");

        var brief = lines is [['#', ' ', ..], ..] ? lines.ElementAtOrDefault(1) : lines.FirstOrDefault();
        var sentence = BriefPattern().Match(brief ?? "") is { Success: true } match ? match.Groups["rest"].Value : null;
        if (sentence is "" && lines.ElementAtOrDefault(2) is not (null or ['#', ..]))
            sentence = lines[2];

        if (string.IsNullOrWhiteSpace(sentence))
            yield return new Finding("decision", path, 2, "Right after its heading comes 'In brief': the decision in a few sentences.");
    }

    [GeneratedRegex("^docs/decisions/[^/]+\\.md$(?<!README\\.md)")]
    private static partial Regex FolderPattern();

    [GeneratedRegex(@"^\d{4}-[a-z0-9-]+\.md$")]
    private static partial Regex NamePattern();

    // A section, a bold lead or a plain one.
    [GeneratedRegex(@"^(## +|\*\*)?In brief[.:]?(\*\*)?[.:]? *(?<rest>.*)$", RegexOptions.IgnoreCase)]
    private static partial Regex BriefPattern();
}
