namespace Comet.Conventions.Tests;

/// <summary>One breach of a rule: which rule, where, and a sentence that says what to do about it.</summary>
internal sealed record Finding(string Rule, string File, int Line, string Sentence)
{
    public override string ToString() => Line > 0 ? $"{File}:{Line}: {Sentence} [{Rule}]" : $"{File}: {Sentence} [{Rule}]";

    /// <summary>Fails the running test with every finding on a line of its own, so that one run shows all the work.</summary>
    public static void AssertNone(IEnumerable<Finding> findings)
    {
        var lines = findings.Select(finding => finding.ToString()).Distinct().ToList();
        if (lines.Count > 0)
            Assert.Fail($"{lines.Count} finding(s):{Environment.NewLine}{string.Join(Environment.NewLine, lines)}");
    }
}
