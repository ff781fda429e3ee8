namespace Comet.Conventions.Tests.Snippets;

/// <summary>Finds the fenced blocks of a Markdown text, and what the comment before each says about it.</summary>
internal static class SnippetReader
{
    private static readonly string[] CSharp = ["csharp", "cs", "c#"];

    /// <summary>One fenced block, in any language.</summary>
    public sealed record Block(int Line, string Language, string Before, string Text);

    public static IEnumerable<Snippet> Read(string file, string text, ICollection<Finding> findings)
    {
        foreach (var block in Blocks(file, text, findings).Where(block => CSharp.Contains(block.Language)))
        {
            var snippet = new Snippet(file, block.Line, SnippetKind.Program, block.Text);
            var marker = block.Before is ['<', '!', '-', '-', .. var inside, '-', '-', '>'] ? inside.Trim() : "";
            if (marker is "run")
                yield return snippet with { Kind = SnippetKind.Run };
            else if (marker is "fragment")
                yield return snippet with { Kind = SnippetKind.Fragment };
            else
            {
                // One word before a block is meant for this reader; a misspelt 'run' must not turn into 'only compile'.
                if (marker is not "" && !marker.Contains(' ', StringComparison.Ordinal))
                    findings.Add(snippet.Breach($"'<!-- {marker} -->' means nothing here: write 'run' or 'fragment'."));
                yield return snippet;
            }
        }
    }

    public static IEnumerable<Block> Blocks(string file, string text, ICollection<Finding> findings)
    {
        var lines = text.ReplaceLineEndings("\n").Split('\n');
        var before = "";
        for (var i = 0; i < lines.Length; i++)
        {
            var fence = Fence(lines[i]);
            if (fence.Length == 0)
            {
                before = lines[i].Trim() is { Length: > 0 } line ? line : before;
                continue;
            }

            var opening = i;
            var indent = lines[i].Length - lines[i].TrimStart().Length;
            var language = lines[i].Trim()[fence.Length..].Trim().Split(' ')[0].ToLowerInvariant();
            var body = new List<string>();
            while (++i < lines.Length && !Closes(lines[i], fence))
                body.Add(lines[i][Math.Min(indent, lines[i].Length - lines[i].TrimStart().Length)..]);

            if (i == lines.Length)
                findings.Add(new Finding("snippet", file, opening + 1, "This block is never closed."));

            yield return new Block(opening + 2, language, before, string.Join('\n', body));
            before = "";
        }
    }

    private static string Fence(string line)
    {
        var trimmed = line.TrimStart();
        var length = trimmed.Length - trimmed.TrimStart('`').Length;
        return length >= 3 ? trimmed[..length] : "";
    }

    private static bool Closes(string line, string fence) =>
        Fence(line).Length >= fence.Length && line.Trim().Trim('`').Length == 0;
}
