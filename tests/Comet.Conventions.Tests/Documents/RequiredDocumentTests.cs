using Comet.Conventions.Tests.Snippets;
using Comet.Conventions.Tests.Tidy;

namespace Comet.Conventions.Tests.Documents;

/// <summary>The checks of documents find nothing in documents that are missing; these see that they are there.</summary>
public sealed class RequiredDocumentTests
{
    [Fact]
    public void EveryTestThatAGuaranteeNamesExists()
    {
        var text = Require(GuaranteeRules.FilePath, "say what is promised, and which test would fail if it broke");
        Finding.AssertNone(GuaranteeRules.Check(text, LoadTests()));
    }

    [Fact]
    public void EveryTestThatAnotherDocumentNamesExists()
    {
        var tests = LoadTests();
        Finding.AssertNone(Repository.Files
            .Where(path => path.EndsWith(".md", StringComparison.Ordinal) && path != GuaranteeRules.FilePath)
            .SelectMany(path => GuaranteeRules.CheckNamed(path, Repository.Read(path), tests)));
    }

    [Fact]
    public void EveryFeatureAndEveryFaultHasARowThatNamesItsTest()
    {
        var text = Require(FeatureRules.FilePath, "say what works, and which test holds it");
        Finding.AssertNone(FeatureRules.Check(text, FeatureRules.Rows));
    }

    [Fact]
    public void ReadmeShowsAProgramThatIsRun()
    {
        var snippets = SnippetReader.Read("README.md", Require("README.md", "say what Comet is and show it"), []);
        Assert.True(snippets.Any(snippet => snippet.Kind == SnippetKind.Run), "README.md has no C# block marked '<!-- run -->': show one.");
    }

    [Fact]
    public void ThereAreDecisions() =>
        Assert.True(Repository.Files.Any(path => path.StartsWith("docs/decisions/", StringComparison.Ordinal)),
            "docs/decisions is empty: code and build files refer to decisions by number.");

    private static TestIndex LoadTests() => new(Repository.Files
        .Where(path => path.StartsWith("tests/", StringComparison.Ordinal) && path.EndsWith(".cs", StringComparison.Ordinal))
        .AsParallel().AsOrdered().Select(SourceFile.Load));

    private static string Require(string path, string purpose)
    {
        Assert.True(Repository.Files.Contains(path), $"{path} is missing: {purpose}.");
        return Repository.Read(path);
    }
}
