using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Comet.Conventions.Tests.Tidy;

/// <summary>The house rules a machine can hold. Each takes one file and returns what it found; none touches the disk.</summary>
internal static partial class TidyRules
{
    public const int MaxFileLines = 400;
    public const int HardMaxFileLines = 600;
    public const int MaxMethodLines = 60;
    public const int MaxLineLength = 140;

    // Words that say nothing about what a folder or a type is for, so everything ends up in them.
    private static readonly HashSet<string> EmptyNames =
        new(StringComparer.OrdinalIgnoreCase) { "Common", "Core", "Util", "Utils", "Helper", "Helpers", "Internal", "Manager", "Managers" };

    public static IEnumerable<Finding> All(SourceFile file) =>
    [
        .. FileLength(file), .. LineLength(file), .. MethodLength(file), .. Markers(file), .. Regions(file),
        .. EmptyCatch(file), .. CommentedCode(file), .. FolderNames(file.Path), .. TypeNames(file)
    ];

    public static IEnumerable<Finding> FileLength(SourceFile file)
    {
        var count = file.Lines.Count;
        if (count > HardMaxFileLines)
            yield return new Finding(TidyRatchet.HardFileRule, file.Path, 0,
                $"{count} lines, over the hard limit of {HardMaxFileLines}: split it.");
        else if (count > MaxFileLines)
            yield return new Finding("file", file.Path, 0, $"{count} lines, at most {MaxFileLines}: move the second concept out.");
    }

    public static IEnumerable<Finding> LineLength(SourceFile file) =>
        file.Lines.Index().Where(line => line.Item.Length > MaxLineLength).Select(line => new Finding(
            "line", file.Path, line.Index + 1, $"{line.Item.Length} characters, at most {MaxLineLength}: break the line."));

    public static IEnumerable<Finding> MethodLength(SourceFile file)
    {
        foreach (var node in file.Syntax.DescendantNodes())
        {
            var (first, name) = node switch
            {
                MethodDeclarationSyntax method => (method.ReturnType.GetFirstToken(), method.Identifier.Text),
                ConstructorDeclarationSyntax constructor => (constructor.Identifier, constructor.Identifier.Text),
                DestructorDeclarationSyntax finalizer => (finalizer.Identifier, "~" + finalizer.Identifier.Text),
                OperatorDeclarationSyntax operation => (operation.OperatorKeyword, "operator " + operation.OperatorToken.Text),
                ConversionOperatorDeclarationSyntax conversion => (conversion.OperatorKeyword, "operator " + conversion.Type),
                LocalFunctionStatementSyntax local => (local.ReturnType.GetFirstToken(), local.Identifier.Text),
                AccessorDeclarationSyntax accessor => (accessor.Keyword, accessor.Keyword.Text),
                _ => default
            };
            if (name is null)
                continue;

            var lines = SourceFile.LastLine(node.GetLastToken()) - SourceFile.FirstLine(first) + 1;
            if (lines > MaxMethodLines)
            {
                yield return new Finding("method", file.Path, SourceFile.FirstLine(first),
                    $"'{name}' has {lines} lines, at most {MaxMethodLines}: give its steps names.");
            }
        }
    }

    public static IEnumerable<Finding> Markers(SourceFile file) =>
        from trivia in Comments(file)
        let match = MarkerPattern().Match(trivia.ToString())
        where match.Success
        select new Finding("marker", file.Path, SourceFile.FirstLine(trivia),
            $"'{match.Value}' in a comment: do it now, or write it into an issue.");

    public static IEnumerable<Finding> Regions(SourceFile file) =>
        file.Syntax.DescendantTrivia(descendIntoTrivia: true)
            .Where(trivia => trivia.IsKind(SyntaxKind.RegionDirectiveTrivia))
            .Select(trivia => new Finding("region", file.Path, SourceFile.FirstLine(trivia),
                "'#region' hides what should be a type of its own."));

    public static IEnumerable<Finding> EmptyCatch(SourceFile file) =>
        file.Syntax.DescendantNodes().OfType<CatchClauseSyntax>()
            .Where(clause => clause.Block.Statements.Count == 0)
            .Where(clause => !(IsNarrow(clause) && SaysWhy(clause)))
            .Select(clause => new Finding("catch", file.Path, SourceFile.FirstLine(clause.CatchKeyword),
                "This catch does nothing: handle the error, log it, or narrow it and say in a comment why nothing is to be done."));

    public static IEnumerable<Finding> FolderNames(string path) =>
        from folder in path.Split('/')[..^1]
        let word = folder.Split('.').FirstOrDefault(EmptyNames.Contains)
        where word is not null
        select new Finding("name", path, 0, $"The folder '{folder}' is called '{word}': name it after what is in it.");

    public static IEnumerable<Finding> TypeNames(SourceFile file)
    {
        foreach (var type in file.Syntax.DescendantNodes().OfType<BaseTypeDeclarationSyntax>())
        {
            var name = type.Identifier.Text;
            // As a whole name all of them are empty; at the end of one, 'Core' and 'Internal' can still be the point of the name.
            var word = EmptyNames.FirstOrDefault(empty => string.Equals(name, empty, StringComparison.OrdinalIgnoreCase))
                ?? EmptyNames.Except(["Core", "Internal"]).FirstOrDefault(empty => name.EndsWith(empty, StringComparison.Ordinal));
            if (word is not null)
            {
                yield return new Finding("name", file.Path, SourceFile.FirstLine(type.Identifier),
                    $"The type '{name}' is a '{word}': name it after what it does.");
            }
        }
    }

    public static IEnumerable<Finding> CommentedCode(SourceFile file)
    {
        foreach (var trivia in Comments(file))
        {
            var first = SourceFile.FirstLine(trivia);
            var lines = trivia.ToString().Split('\n');
            for (var i = 0; i < lines.Length; i++)
            {
                if (CodeDetector.LooksLikeCode(lines[i]))
                {
                    yield return new Finding("code", file.Path, first + i,
                        $"Commented-out code: '{lines[i].Trim()}'. Delete it; git remembers it.");
                }
            }
        }

        var disabled = file.Syntax.DescendantNodes(descendIntoTrivia: true).OfType<IfDirectiveTriviaSyntax>()
            .Where(directive => directive.Condition.IsKind(SyntaxKind.FalseLiteralExpression));
        foreach (var directive in disabled)
        {
            yield return new Finding("code", file.Path, SourceFile.FirstLine(directive.HashToken),
                "'#if false': delete what it hides; git remembers it.");
        }
    }

    private static bool IsNarrow(CatchClauseSyntax clause) =>
        clause.Filter is not null || clause.Declaration?.Type.ToString() is not (null or "Exception" or "System.Exception");

    private static bool SaysWhy(CatchClauseSyntax clause) =>
        clause.Block.DescendantTrivia().Any(trivia =>
            trivia.IsKind(SyntaxKind.SingleLineCommentTrivia) || trivia.IsKind(SyntaxKind.MultiLineCommentTrivia));

    // Documentation comments count as comments here: they are parsed as plain ones (DocumentationMode.None).
    private static IEnumerable<SyntaxTrivia> Comments(SourceFile file) =>
        file.Syntax.DescendantTrivia().Where(trivia =>
            trivia.IsKind(SyntaxKind.SingleLineCommentTrivia) || trivia.IsKind(SyntaxKind.MultiLineCommentTrivia));

    [GeneratedRegex(@"\b(TODO|FIXME|HACK|XXX)\b")]
    private static partial Regex MarkerPattern();
}
