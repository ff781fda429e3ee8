using System.Reflection;
using PublicApiGenerator;

namespace Comet.Conventions.Tests.PublicApi;

/// <summary>The public surface of a package as text, compared with the text that was last approved.</summary>
internal static class ApiSnapshot
{
    public const string AcceptVariable = "COMET_ACCEPT_API";
    public const string Folder = "tests/Comet.Conventions.Tests/ApprovedApi";

    private const int LinesOfContext = 2;

    private static readonly ApiGeneratorOptions Options = new()
    {
        // Friends, versions and the compiler's own marks say how it was built, not what users can call.
        IncludeAssemblyAttributes = false,
        DenyNamespacePrefixes = [],
        ExcludeAttributes =
        [
            "System.Runtime.CompilerServices.AsyncStateMachineAttribute",
            "System.Runtime.CompilerServices.IteratorStateMachineAttribute",
            "System.Runtime.CompilerServices.AsyncIteratorStateMachineAttribute"
        ]
    };

    public static string PathOf(string package) => $"{Folder}/{package}.txt";

    public static string Of(string package) => Of(Assembly.Load(package));

    /// <summary>Null when both are the same; otherwise the lines taken away (-) and added (+), with their neighbours.</summary>
    public static string? Difference(string approved, string actual)
    {
        var before = approved.TrimEnd('\n').Split('\n');
        var after = actual.TrimEnd('\n').Split('\n');
        if (before.AsSpan().SequenceEqual(after))
            return null;

        var script = Script(before, after);
        var shown = new bool[script.Count];
        foreach (var (i, _) in script.Index().Where(line => line.Item[0] != ' '))
            shown.AsSpan(Math.Max(0, i - LinesOfContext)..Math.Min(script.Count, i + LinesOfContext + 1)).Fill(true);

        return string.Join('\n', script.Where((_, i) => shown[i]));
    }

    private static string Of(Assembly assembly) =>
        assembly.GeneratePublicApi(Options).ReplaceLineEndings("\n").Trim() is { Length: > 0 } text ? text + "\n" : "// Nothing yet.\n";

    // Longest common subsequence: a surface has a few thousand lines at most, so the plain table is fast enough.
    private static List<string> Script(string[] before, string[] after)
    {
        var lengths = new int[before.Length + 1, after.Length + 1];
        for (var i = before.Length - 1; i >= 0; i--)
        {
            for (var j = after.Length - 1; j >= 0; j--)
                lengths[i, j] = before[i] == after[j] ? lengths[i + 1, j + 1] + 1 : Math.Max(lengths[i + 1, j], lengths[i, j + 1]);
        }

        var script = new List<string>();
        var (x, y) = (0, 0);
        while (x < before.Length || y < after.Length)
        {
            if (x < before.Length && y < after.Length && before[x] == after[y])
            {
                script.Add("  " + before[x++]);
                y++;
            }
            else if (y == after.Length || (x < before.Length && lengths[x + 1, y] >= lengths[x, y + 1]))
                script.Add("- " + before[x++]);
            else
                script.Add("+ " + after[y++]);
        }

        return script;
    }
}
