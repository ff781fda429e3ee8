namespace Comet.Conventions.Tests.Snippets;

/// <summary>What the documents show works.</summary>
[Collection(nameof(ConsoleCollection))]
public sealed class SnippetTests
{
    [Fact]
    public void EverySnippetCompiles()
    {
        var findings = new List<Finding>();
        var snippets = ReadAll(findings);
        Finding.AssertNone(findings.Concat(snippets.SelectMany(SnippetCompiler.Check)));
    }

    [Fact]
    public async Task EveryProgramMarkedRunRuns()
    {
        var findings = new List<Finding>();
        foreach (var snippet in ReadAll([]).Where(snippet => snippet.Kind == SnippetKind.Run))
        {
            using var output = new StringWriter();
            if (await SnippetRunner.RunAsync(snippet, SnippetRunner.Limit, output) is { } finding)
                findings.Add(finding with { Sentence = $"{finding.Sentence} It printed: {output}" });
        }

        Finding.AssertNone(findings);
    }

    private static List<Snippet> ReadAll(ICollection<Finding> findings) => Repository.Files
        .Where(path => path.EndsWith(".md", StringComparison.Ordinal))
        .SelectMany(path => SnippetReader.Read(path, Repository.Read(path), findings))
        .ToList();
}

/// <summary>Programs that run here share the one console of the process.</summary>
[CollectionDefinition(nameof(ConsoleCollection), DisableParallelization = true)]
public sealed class ConsoleCollection;
