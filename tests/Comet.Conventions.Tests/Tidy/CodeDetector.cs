using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Comet.Conventions.Tests.Tidy;

/// <summary>Tells a line of C# from a line of prose. In doubt it says prose: a false alarm costs more trust than a miss.</summary>
internal static class CodeDetector
{
    private static readonly CSharpParseOptions Options = new(LanguageVersion.Preview, DocumentationMode.None);

    public static bool LooksLikeCode(string commentLine)
    {
        var line = commentLine.Trim();
        // Examples in documentation comments are meant to be read.
        if (line.StartsWith("///", StringComparison.Ordinal) || line.StartsWith("/**", StringComparison.Ordinal))
            return false;

        line = line.TrimStart('/', '*').Replace("*/", "", StringComparison.Ordinal).Trim();
        return line switch
        {
            "{" or "}" or "};" or "});" => true,
            [.., '{'] => OpensBlock(line),
            [.., ';'] => IsStatement(line),
            _ => false
        };
    }

    private static bool OpensBlock(string line)
    {
        var tree = CSharpSyntaxTree.ParseText(line + " }", Options);
        return !HasErrors(tree) && tree.GetRoot() is CompilationUnitSyntax { Members: [not IncompleteMemberSyntax] };
    }

    private static bool IsStatement(string line)
    {
        if (line.StartsWith("using ", StringComparison.Ordinal))
            return !HasErrors(CSharpSyntaxTree.ParseText(line, Options));

        var statement = SyntaxFactory.ParseStatement(line, options: Options);
        if (statement.ContainsDiagnostics || statement.FullSpan.Length != line.Length)
            return IsMember(line);

        return statement switch
        {
            // "some words;" parses as a declaration without a value; only a keyword or a value makes it code.
            LocalDeclarationStatementSyntax declaration =>
                declaration.Declaration.Type is PredefinedTypeSyntax ||
                declaration.Declaration.Variables.Any(each => each.Initializer is not null),
            ExpressionStatementSyntax { Expression: IdentifierNameSyntax or MemberAccessExpressionSyntax } => false,
            EmptyStatementSyntax or LabeledStatementSyntax => false,
            _ => true
        };
    }

    private static bool IsMember(string line)
    {
        var member = SyntaxFactory.ParseMemberDeclaration(line, options: Options);
        return member is { ContainsDiagnostics: false, Modifiers.Count: > 0 } && member.FullSpan.Length == line.Length;
    }

    private static bool HasErrors(SyntaxTree tree) =>
        tree.GetDiagnostics().Any(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error);
}
