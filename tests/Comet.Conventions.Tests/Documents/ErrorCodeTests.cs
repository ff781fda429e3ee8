using System.Text.RegularExpressions;

namespace Comet.Conventions.Tests.Documents;

/// <summary>A code that users are told about is one that a test has seen.</summary>
public sealed partial class ErrorCodeTests
{
    // What is transient, what an exception without a code has, and what makes a client attach again.
    private static readonly string[] NamesWithoutThrowing =
    [
        "Comet.Protocol/Model/ErrorCodeExtensions.cs", "Comet.Protocol/Model/CometException.cs",
        "Comet.Client/Connections/PartitionAttachment.cs"
    ];

    // Numbers are never given twice, so that a code can be there before what it is for.
    private static readonly ErrorCode[] Reserved =
        [ErrorCode.None, ErrorCode.NotAuthorized, ErrorCode.InternalError, ErrorCode.SlowConsumer];

    [Fact]
    public void Every_code_is_reached_by_a_test_or_reserved()
    {
        var reached = CodesNamedIn(path => path.StartsWith("tests/", StringComparison.Ordinal)
            && !path.StartsWith("tests/Comet.Conventions.Tests/", StringComparison.Ordinal));
        var missing = Enum.GetValues<ErrorCode>().Except(Reserved).Where(code => !reached.Contains($"{code}")).ToList();
        Assert.True(missing.Count == 0, $"No test reaches {string.Join(", ", missing)}: write one, or reserve the code.");
    }

    [Fact]
    public void A_code_that_is_thrown_is_not_reserved()
    {
        var thrown = CodesNamedIn(path => path.StartsWith("Comet.", StringComparison.Ordinal) && !NamesWithoutThrowing.Contains(path));
        var early = Reserved.Skip(1).Where(code => thrown.Contains($"{code}")).ToList();
        Assert.True(early.Count == 0, $"{string.Join(", ", early)} is in use now: take it out of {nameof(Reserved)}, and test it.");
    }

    private static HashSet<string> CodesNamedIn(Func<string, bool> isMeant) => Repository.Files
        .Where(path => path.EndsWith(".cs", StringComparison.Ordinal) && isMeant(path))
        .SelectMany(path => CodePattern().Matches(Repository.Read(path)))
        .Select(static match => match.Groups["code"].Value)
        .ToHashSet(StringComparer.Ordinal);

    [GeneratedRegex(@"\bErrorCode\.(?<code>[A-Z]\w*)")]
    private static partial Regex CodePattern();
}
