using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Comet.Conventions.Tests.Tidy;

/// <summary>A C# file as the tidy rules see it: its lines and its syntax.</summary>
internal sealed class SourceFile(string path, string text)
{
    private static readonly CSharpParseOptions Options = new(LanguageVersion.Preview, DocumentationMode.None);

    private readonly Lazy<SyntaxNode> _syntax = new(() => CSharpSyntaxTree.ParseText(text, Options).GetRoot());

    public string Path { get; } = path;

    public IReadOnlyList<string> Lines { get; } = text.ReplaceLineEndings("\n").TrimEnd('\n').Split('\n');

    public SyntaxNode Syntax => _syntax.Value;

    public static SourceFile Load(string path) => new(path, Repository.Read(path));

    public static int FirstLine(SyntaxToken token) => token.GetLocation().GetLineSpan().StartLinePosition.Line + 1;

    public static int LastLine(SyntaxToken token) => token.GetLocation().GetLineSpan().EndLinePosition.Line + 1;

    public static int FirstLine(SyntaxTrivia trivia) => trivia.GetLocation().GetLineSpan().StartLinePosition.Line + 1;
}
