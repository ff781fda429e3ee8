namespace Comet.Conventions.Tests.Tidy;

/// <summary>Each rule sees what was planted for it, at the right line, and leaves the look-alike next to it alone.</summary>
public sealed class TidyRuleTests
{
    [Theory]
    [InlineData(400, null)]
    [InlineData(401, "file")]
    [InlineData(600, "file")]
    [InlineData(601, "file-hard")]
    public void LongFileIsFound(int lines, string? rule) =>
        Assert.Equal(rule, TidyRules.FileLength(Source(Lines(lines, "// a line"))).SingleOrDefault()?.Rule);

    [Fact]
    public void LongLineIsFound()
    {
        var finding = Assert.Single(TidyRules.LineLength(Source(new string('x', 140) + "\n" + new string('x', 141) + "\n")));
        Assert.Equal(2, finding.Line);
    }

    [Theory]
    [InlineData(60, 0)]
    [InlineData(61, 1)]
    public void LongMethodIsFound(int lines, int findings)
    {
        var body = Lines(lines - 3, "x++;");
        string[] sources =
        [
            $"class C\n{{\n/// <summary>Not counted.</summary>\n[A]\nvoid M()\n{{\n{body}}}\n}}",
            $"class C\n{{\nC()\n{{\n{body}}}\n}}",
            $"class C\n{{\nint P\n{{\nget\n{{\n{body}}}\n}}\n}}",
            $"class C\n{{\npublic static C operator +(C a, C b)\n{{\n{body}}}\n}}",
            $"void Local()\n{{\n{body}}}\n"
        ];
        Assert.All(sources, source => Assert.Equal(findings, TidyRules.MethodLength(Source(source)).Count()));
    }

    [Theory]
    [InlineData("// TODO: later", true)]
    [InlineData("/* x\n FIXME */", true)]
    [InlineData("/// <summary>HACK</summary>\nclass C;", true)]
    [InlineData("// All todos are done; TODOS is a word.", false)]
    [InlineData("var x = \"// TODO\";", false)]
    public void MarkerIsFound(string source, bool found) => Assert.Equal(found, TidyRules.Markers(Source(source)).Any());

    [Theory]
    [InlineData("class C\n{\n#region x\n#endregion\n}", true)]
    [InlineData("var x = @\"\n#region\n\";", false)]
    public void RegionIsFound(string source, bool found) => Assert.Equal(found, TidyRules.Regions(Source(source)).Any());

    [Theory]
    [InlineData("try { } catch { }", true)]
    [InlineData("try { } catch { /* why */ }", true)]
    [InlineData("try { } catch (Exception) { /* why */ }", true)]
    [InlineData("try { } catch (IOException) { }", true)]
    [InlineData("try { } catch (IOException) { /* The file is gone, as it should be. */ }", false)]
    [InlineData("try { } catch (Exception) when (closing) { /* Closed while dialling. */ }", false)]
    [InlineData("try { } catch (Exception) { throw; }", false)]
    public void EmptyCatchIsFound(string source, bool found) => Assert.Equal(found, TidyRules.EmptyCatch(Source(source)).Any());

    [Theory]
    [InlineData("// var x = 1;")]
    [InlineData("// return;")]
    [InlineData("// await SendAsync(x);")]
    [InlineData("// if (x > 1) {")]
    [InlineData("// public int X { get; set; }\n// private readonly int _x;")]
    [InlineData("// using System.Linq;")]
    [InlineData("// foreach (var x in y)\n// {\n//     Use(x);\n// }")]
    [InlineData("/*\n * Use(x);\n */")]
    [InlineData("// _count = 3;")]
    [InlineData("// throw new InvalidOperationException();")]
    [InlineData("//_count++;")]
    [InlineData("#if false\nint x;\n#endif")]
    public void CommentedCodeIsFound(string source) => Assert.NotEmpty(TidyRules.CommentedCode(Source(source)));

    [Theory]
    [InlineData("// Keeps the order of one producer;\n// see decision 0003;")]
    [InlineData("// Two kinds of frames: those with a payload;")]
    [InlineData("// The set is {1, 2}")]
    [InlineData("/// <code>\n/// var x = 1;\n/// </code>\nclass C;")]
    [InlineData("// if the peer goes away first, nothing is to be done;")]
    [InlineData("// https://example.org/;")]
    [InlineData("var x = \"// Use(x);\";")]
    [InlineData("// see Partition.Append;")]
    public void ProseIsNotCode(string source) => Assert.Empty(TidyRules.CommentedCode(Source(source)));

    [Theory]
    [InlineData("Comet.Client/Utils/X.cs", true)]
    [InlineData("Comet.Core/X.cs", true)]
    [InlineData("Comet.Client/internal/X.cs", true)]
    [InlineData("Comet.Client/Consuming/Core.cs", false)]
    [InlineData("Comet.Client/Score/X.cs", false)]
    public void EmptyFolderNameIsFound(string path, bool found) => Assert.Equal(found, TidyRules.FolderNames(path).Any());

    [Theory]
    [InlineData("class StringUtils;", true)]
    [InlineData("interface Internal;", true)]
    [InlineData("record struct TopicManager;", true)]
    [InlineData("class A { enum Common { } }", true)]
    [InlineData("class PartitionCore;", false)]
    [InlineData("class Manage;", false)]
    public void EmptyTypeNameIsFound(string source, bool found) => Assert.Equal(found, TidyRules.TypeNames(Source(source)).Any());

    [Fact]
    public void EveryRuleIsInAll()
    {
        var source = $"{Lines(400, "// TODO")}#region x\n#endregion\n// var x = 1;\n{new string(' ', 141)}try {{ }} catch {{ }}\n"
            + $"void M()\n{{\n{Lines(60, "x++;")}}}\nclass Utils;\n";
        var rules = TidyRules.All(Source(source)).Select(finding => finding.Rule).Distinct().Order(StringComparer.Ordinal);
        Assert.Equal(["catch", "code", "file", "line", "marker", "method", "name", "region"], rules);
    }

    [Fact]
    public void RatchetOnlyFalls()
    {
        Finding[] two = [new("line", "A.cs", 1, "x"), new("line", "A.cs", 2, "x")];
        Assert.Empty(TidyRatchet.Parse("# why\nline 2 A.cs\n").Apply(two));
        Assert.Equal(two, TidyRatchet.Parse("line 1 A.cs").Apply(two));
        Assert.Equal(two, TidyRatchet.Parse("line 2 B.cs\nfile 2 A.cs").Apply(two).Take(2));
        Assert.Contains("Lower it", Assert.Single(TidyRatchet.Parse("line 3 A.cs").Apply(two)).Sentence, StringComparison.Ordinal);
        Assert.EndsWith("\nline 2 A.cs\n", TidyRatchet.Parse("line 3 A.cs\nfile 1 A.cs").Lowered(two), StringComparison.Ordinal);
        Assert.Throws<FormatException>(() => TidyRatchet.Parse($"{TidyRatchet.HardFileRule} 1 A.cs"));
    }

    private static SourceFile Source(string text) => new("Comet.Client/Planted.cs", text);

    private static string Lines(int count, string line) => string.Concat(Enumerable.Repeat(line + "\n", count));
}
