namespace Comet.Conventions.Tests.Tidy;

public sealed class TidyTests
{
    private const int MaxEditorConfigLines = 79;

    [Fact]
    public void EverySourceFileKeepsTheHouseRules()
    {
        var sources = Repository.Files.Where(path => path.EndsWith(".cs", StringComparison.Ordinal)).ToList();
        Assert.True(sources.Count > 50, $"Only {sources.Count} C# files were found in {Repository.Root}; the list of files is wrong.");

        var findings = sources.AsParallel().AsOrdered().SelectMany(path => TidyRules.All(SourceFile.Load(path))).ToList();
        var ratchet = TidyRatchet.Parse(Repository.Read(TidyRatchet.FilePath));
        if (Environment.GetEnvironmentVariable(TidyRatchet.AcceptVariable) == "1")
        {
            var lowered = ratchet.Lowered(findings);
            File.WriteAllText(Repository.FullPath(TidyRatchet.FilePath), lowered);
            ratchet = TidyRatchet.Parse(lowered);
        }

        Finding.AssertNone(ratchet.Apply(findings));
    }

    [Fact]
    public void NoFolderHasAnEmptyName() => Finding.AssertNone(Repository.Files.SelectMany(TidyRules.FolderNames));

    [Fact]
    public void EditorConfigStaysShort()
    {
        var lines = Repository.Read(".editorconfig").TrimEnd().Split('\n').Length;
        Assert.True(lines <= MaxEditorConfigLines,
            $".editorconfig has {lines} lines, at most {MaxEditorConfigLines}: drop a rule for each new one.");
    }
}
