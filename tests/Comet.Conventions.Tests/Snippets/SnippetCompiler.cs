using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Comet.Conventions.Tests.Snippets;

/// <summary>Compiles a snippet as a reader would: a console project of the SDK that references the packages of Comet.</summary>
internal static class SnippetCompiler
{
    private static readonly CSharpParseOptions Options = new(LanguageVersion.Latest, DocumentationMode.None);

    private static readonly string[] ImplicitUsings =
    [
        "System", "System.Collections.Generic", "System.IO", "System.Linq", "System.Net.Http", "System.Threading",
        "System.Threading.Tasks"
    ];

    // A reader's project has none of these.
    private static readonly string[] OnlyHere =
        ["xunit", "Microsoft.CodeAnalysis", "Mono.Cecil", "PublicApiGenerator", "Comet.Conventions"];

    private static readonly Lazy<IReadOnlyList<MetadataReference>> LazyReferences = new(() =>
        ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(path => !OnlyHere.Any(name => Path.GetFileName(path).StartsWith(name, StringComparison.OrdinalIgnoreCase)))
            .Select(MetadataReference (path) => MetadataReference.CreateFromFile(path))
            .ToList());

    // What a fragment finds declared around it. They are fields, so that a fragment may declare its own of the same name.
    private static readonly (string Type, string MetadataName, string Name)[] Surroundings =
    [
        ("Comet.Client.CometClient", "Comet.Client.CometClient", "client"),
        ("Comet.Client.Producer<Order>", "Comet.Client.Producer`1", "producer"),
        ("Comet.Client.Consumer<Order>", "Comet.Client.Consumer`1", "consumer")
    ];

    public static CSharpCompilation Compile(Snippet snippet)
    {
        var usings = string.Concat(ImplicitUsings.Select(name => $"global using {name};\n"));
        var source = snippet.Kind == SnippetKind.Fragment ? Wrap(snippet) : Position(snippet.Line, snippet) + snippet.Code;
        var tree = CSharpSyntaxTree.ParseText(source, Options);
        var hasStatements = tree.GetCompilationUnitRoot().Members.Any(member => member is GlobalStatementSyntax);
        var isProgram = hasStatements || snippet.Kind == SnippetKind.Run;
        return Empty(isProgram ? OutputKind.ConsoleApplication : OutputKind.DynamicallyLinkedLibrary)
            .AddSyntaxTrees(CSharpSyntaxTree.ParseText(usings, Options), tree);
    }

    public static IEnumerable<Finding> Check(Snippet snippet) =>
        from diagnostic in Compile(snippet).GetDiagnostics()
        where diagnostic.Severity == DiagnosticSeverity.Error
        let place = diagnostic.Location.GetMappedLineSpan()
        select snippet.Breach($"{diagnostic.Id}: {diagnostic.GetMessage()}", place.HasMappedPath ? place.StartLinePosition.Line + 1 : null);

    private static CSharpCompilation Empty(OutputKind kind) => CSharpCompilation.Create(
        "Snippet", [], LazyReferences.Value, new CSharpCompilationOptions(kind, nullableContextOptions: NullableContextOptions.Enable));

    private static string Wrap(Snippet snippet)
    {
        var around = Empty(OutputKind.DynamicallyLinkedLibrary);
        var root = CSharpSyntaxTree.ParseText(snippet.Code, Options).GetCompilationUnitRoot();
        var fields = Surroundings
            .Where(each => around.GetTypeByMetadataName(each.MetadataName) is not null)
            .Select(each => $"    static {each.Type} {each.Name} = null!;\n");
        return $$"""
            {{string.Concat(CometNamespaces(around).Select(name => $"using {name};\n"))}}
            {{Place(root.Usings, snippet)}}
            using Comet.Conventions.Surroundings;
            static class Fragment
            {
            {{string.Concat(fields)}}
                static CancellationToken cancellationToken = default;
                static async Task RunAsync()
                {
                    await Task.CompletedTask;
            {{Place(root.Members.OfType<GlobalStatementSyntax>(), snippet)}}
                }
            }
            {{Place(root.Members.Where(member => member is not GlobalStatementSyntax), snippet)}}
            namespace Comet.Conventions.Surroundings
            {
                public sealed record Order(string Id, decimal Amount);
            }
            """;
    }

    private static string Place(IEnumerable<SyntaxNode> nodes, Snippet snippet) => string.Concat(nodes.Select(node =>
        Position(snippet.Line + node.SyntaxTree.GetLineSpan(node.FullSpan).StartLinePosition.Line, snippet) + node.ToFullString() + "\n"));

    private static string Position(int line, Snippet snippet) => $"#line {line} \"{snippet.File}\"\n";

    private static IEnumerable<string> CometNamespaces(CSharpCompilation compilation)
    {
        var comet = compilation.GlobalNamespace.GetNamespaceMembers().FirstOrDefault(each => each.Name == "Comet");
        return comet is null ? [] : WithInner(comet).Where(HasPublicTypes).Select(each => each.ToDisplayString());
    }

    private static IEnumerable<INamespaceSymbol> WithInner(INamespaceSymbol space) =>
        space.GetNamespaceMembers().SelectMany(WithInner).Prepend(space);

    private static bool HasPublicTypes(INamespaceSymbol space) =>
        space.GetTypeMembers().Any(type => type.DeclaredAccessibility == Accessibility.Public);
}
