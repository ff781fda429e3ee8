namespace Comet.Conventions.Tests.Snippets;

/// <summary>Documents planted in memory: what is wrong in them is found, at its line in the document.</summary>
[Collection(nameof(ConsoleCollection))]
public sealed class SnippetRuleTests
{
    private const string Document = """
        # Title

        ```csharp
        Console.WriteLine("one");
        ```
        <!-- run -->

        ```csharp
        Console.WriteLine("two");
        ```

        ```sh
        echo "not C#"
        ```
        - <!-- fragment -->
          ```cs
          await Task.Yield();
            Indented();
          ```
        ````text
        ```csharp
        an example of an example
        ```
        ````
        """;

    [Fact]
    public void BlocksAreReadWithTheirMarkers()
    {
        Snippet[] expected =
        [
            new("a.md", 4, SnippetKind.Program, "Console.WriteLine(\"one\");"),
            new("a.md", 9, SnippetKind.Run, "Console.WriteLine(\"two\");"),
            new("a.md", 17, SnippetKind.Fragment, "await Task.Yield();\n  Indented();")
        ];
        // The marker in the list item is not a line of its own; without its dash it is.
        var findings = new List<Finding>();
        Assert.Equal(expected, SnippetReader.Read("a.md", Document.Replace("- <!--", "<!--", StringComparison.Ordinal), findings));
        Assert.Empty(findings);
    }

    [Theory]
    [InlineData("<!-- rnu -->\n```csharp\n```\n", 1)]
    [InlineData("<!-- A comment for editors. -->\n```csharp\n```\n", 0)]
    [InlineData("```csharp\nvar x = 1;\n", 1)]
    public void MistakesInTheDocumentAreFound(string text, int count)
    {
        var findings = new List<Finding>();
        Assert.Single(SnippetReader.Read("a.md", text, findings));
        Assert.Equal(count, findings.Count);
    }

    [Theory]
    [InlineData("Program", "var list = new List<int> { 1 };\nConsole.WriteLine(list.Sum());")]
    [InlineData("Program", "using Comet;\nsealed class Mine { public MessageId Id { get; set; } }")]
    [InlineData("Run", "using Comet.Client;\nawait Task.Yield();\nConsole.WriteLine(new CometClientOptions().ClientName);")]
    [InlineData("Fragment", "await Task.Delay(0, cancellationToken);\nvar id = MessageId.Parse(\"a-0@1\");")]
    [InlineData("Fragment", "using System.Text;\nOrder order = new(\"1\", 2);\nvar text = new StringBuilder();\nrecord Mine(int X);")]
    [InlineData("Fragment", "record Order(int Mine);\nvar order = new Order(1);")]
    [InlineData("Fragment", "var client = 1;\nConsole.WriteLine(client);")]
    public void GoodSnippetCompiles(string kind, string code) => Finding.AssertNone(SnippetCompiler.Check(Planted(kind, code)));

    [Theory]
    [InlineData("Program", "var x = 1;\nNoSuchThing();", 11, "CS0103")]
    [InlineData("Program", "using Comet.NoSuchNamespace;", 10, "CS0234")]
    [InlineData("Program", "using Xunit;\nvar x = 1;", 10, "CS0246")]
    [InlineData("Program", "var x = 1;\nvar f = typeof(Comet.Wire.FrameDecoder);", 11, "CS0122")]
    [InlineData("Run", "sealed class NoEntryPoint;", 10, "CS5001")]
    [InlineData("Fragment", "using System.Text;\n\n// Why.\nNoSuchThing();", 13, "CS0103")]
    [InlineData("Fragment", "var x = 1;\nrecord Mine(NoSuchType X);", 11, "CS0246")]
    public void BadSnippetIsFoundAtItsLine(string kind, string code, int line, string error)
    {
        var finding = SnippetCompiler.Check(Planted(kind, code)).First();
        Assert.StartsWith(error, finding.Sentence, StringComparison.Ordinal);
        Assert.Equal(line, finding.Line);
    }

    [Theory]
    [InlineData("await Task.Yield();", 30, null)]
    [InlineData("return 3;", 30, "Ended with exit code 3.")]
    [InlineData("throw new InvalidOperationException(\"planted\");", 30, "Threw System.InvalidOperationException: planted")]
    [InlineData("await Task.Delay(Timeout.Infinite);", 2, "Did not finish within 2 s.")]
    public async Task ProgramIsRunToItsEnd(string code, int limit, string? sentence)
    {
        using var output = new StringWriter();
        var snippet = Planted("Run", $"Console.Write(\"here\"); {code}");
        var finding = await SnippetRunner.RunAsync(snippet, TimeSpan.FromSeconds(limit), output);
        Assert.Equal("here", output.ToString());
        if (sentence is null)
            Assert.Null(finding);
        else
            Assert.StartsWith(sentence, finding?.Sentence, StringComparison.Ordinal);
    }

    private static Snippet Planted(string kind, string code) => new("docs/planted.md", 10, Enum.Parse<SnippetKind>(kind), code);
}
