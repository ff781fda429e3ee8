using Comet.Conventions.Tests.Tidy;

namespace Comet.Conventions.Tests.Documents;

public sealed class GuaranteeRuleTests
{
    private const string Sources = """
        abstract class LogConformance<T> { [Fact] public void Appends() { } }
        sealed class MemoryLogTests : Some.LogConformance<int> { [Theory, InlineData(1)] public void Reads(int x) { } void NoTest() { } }
        partial class Loop : Loop { }
        partial class PartTests { } partial class PartTests { [RetryFact(3)] void Retries() { } }
        """;

    [Theory]
    [InlineData("| P1 | `MemoryLogTests.Reads` |", 0)]
    [InlineData("| P1 | `MemoryLogTests.Appends`, `PartTests.Retries` |", 0)]
    [InlineData("| P1 | `Comet.Server.Tests.MemoryLogTests.Reads(1)` |", 0)]
    [InlineData("| P1 | `MemoryLogTests.Read` |", 1)]
    [InlineData("| P1 | `MemoryLogTests.NoTest` |", 1)]
    [InlineData("| P1 | `GoneTests.Reads`, `MemoryLogTests.Gone`, `MemoryLogTests.Reads` |", 2)]
    [InlineData("| P1 | `Loop.Reads` |", 1)]
    [InlineData("| P1 | in `Comet.Journal`, `docs/x.md`: `MemoryLogTests.Reads` |", 0)]
    [InlineData("Only a sentence: `GoneTests.Reads`.", 1)]
    [InlineData("| P1 | later |", 1)]
    [InlineData("", 1)]
    public void NamedTestsMustExist(string row, int findings)
    {
        var tests = new TestIndex([new SourceFile("tests/Planted.cs", Sources)]);
        Assert.Equal(findings, GuaranteeRules.Check($"# Guarantees\n\n{row}\n", tests).Count());
    }

    [Theory]
    [InlineData("See `MemoryLogTests.Reads` and `MemoryLogTests.Appends`.", 0)]
    [InlineData("- `PartTests.Retries`, and `Comet.Client` or `Loop.Reads`", 0)]
    [InlineData("See `MemoryLogTests.Read`.", 1)]
    [InlineData("| C1 | `GoneTests.Reads` `MemoryLogTests.NoTest` |", 2)]
    [InlineData("", 0)]
    public void TestsThatADocumentNamesMustExist(string line, int findings)
    {
        var tests = new TestIndex([new SourceFile("tests/Planted.cs", Sources)]);
        var found = GuaranteeRules.CheckNamed("docs/planted.md", $"# Title\n{line}\n", tests).ToList();
        Assert.Equal(findings, found.Count);
        Assert.All(found, f => Assert.Equal(2, f.Line));
    }

    [Theory]
    [InlineData("| C1 framing | any splitting | `FrameTests.Splits` |\n| A2 | | `SendTests.Sends`, and more |", 0)]
    [InlineData("| C1, A2 both | | `FrameTests.Splits` |", 0)]
    [InlineData("| C1 framing | any splitting | `FrameTests.Splits` |", 1)]
    [InlineData("| C1 framing | any splitting | |\n| A2 | Not in this release. | |", 1)]
    [InlineData("| C11 framing | | `FrameTests.Splits` |\nC1 and A2", 2)]
    public void EveryRowMustBeThereAndNameATest(string text, int findings) =>
        Assert.Equal(findings, FeatureRules.Check(text, ["C1", "A2"]).Count());
}
