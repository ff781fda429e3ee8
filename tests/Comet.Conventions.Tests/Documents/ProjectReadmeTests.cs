using Comet.Conventions.Tests.Architecture;

namespace Comet.Conventions.Tests.Documents;

public sealed class ProjectReadmeTests
{
    private const int MaxLines = 40;

    [Fact]
    public void EveryProjectSaysWhatItIs() => Finding.AssertNone(
        ProjectFile.LoadAll().SelectMany(project => Check(project, Read($"{project.Folder}/README.md"))));

    [Theory]
    [InlineData(null, true)]
    [InlineData("Text.", true)]
    [InlineData("# Comet.X\n", true)]
    [InlineData("# Comet.X\n\nWhat it is.\n", false)]
    public void MissingOrEmptyReadmeIsFound(string? text, bool found) => Assert.Equal(found, Check(Planted, text).Any());

    [Theory]
    [InlineData(39, false)]
    [InlineData(40, true)]
    public void LongReadmeIsFound(int linesAfterTheHeading, bool found) =>
        Assert.Equal(found, Check(Planted, "# Comet.X\n" + string.Concat(Enumerable.Repeat("Text.\n", linesAfterTheHeading))).Any());

    private static ProjectFile Planted => new("Comet.X/Comet.X.csproj", new());

    private static string? Read(string path) => Repository.Files.Contains(path) ? Repository.Read(path) : null;

    private static IEnumerable<Finding> Check(ProjectFile project, string? text)
    {
        var path = $"{project.Folder}/README.md";
        var lines = text?.TrimEnd().Split('\n') ?? [];
        if (text is null)
            yield return new Finding("readme", path, 0, "Missing: say its purpose, public nouns, folders and who may depend on it.");
        else if (!lines[0].StartsWith("# ", StringComparison.Ordinal) || lines.Length < 3)
            yield return new Finding("readme", path, 1, "Begins with a heading and says what the project is for.");

        if (lines.Length > MaxLines)
            yield return new Finding("readme", path, 0, $"{lines.Length} lines, at most {MaxLines}: move the rest to docs/.");
    }
}
