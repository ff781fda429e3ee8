using Comet.Conventions.Tests.Tidy;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Comet.Conventions.Tests.Documents;

/// <summary>Every test of the sources, as "Class.Method", inherited ones under the name of each heir too.</summary>
internal sealed class TestIndex
{
    private readonly Dictionary<string, List<TypeDeclarationSyntax>> _types = [];

    public TestIndex(IEnumerable<SourceFile> sources)
    {
        foreach (var type in sources.SelectMany(source => source.Syntax.DescendantNodes().OfType<TypeDeclarationSyntax>()))
        {
            if (!_types.TryGetValue(type.Identifier.Text, out var parts))
                _types[type.Identifier.Text] = parts = [];
            parts.Add(type);
        }
    }

    public bool Has(string type, string method) => Has(type, method, []);

    // A source can name itself as its base while it is being written; the visited set ends that.
    private bool Has(string type, string method, HashSet<string> visited)
    {
        if (!visited.Add(type) || !_types.TryGetValue(type, out var parts))
            return false;

        return parts.SelectMany(part => part.Members.OfType<MethodDeclarationSyntax>())
                .Any(each => each.Identifier.Text == method && IsTest(each))
            || parts.SelectMany(part => part.BaseList?.Types.AsEnumerable() ?? [])
                .Any(each => Has(SimpleName(each.Type), method, visited));
    }

    private static bool IsTest(MethodDeclarationSyntax method) => method.AttributeLists
        .SelectMany(list => list.Attributes)
        .Select(attribute => SimpleName(attribute.Name))
        .Any(name => name.EndsWith("Fact", StringComparison.Ordinal) || name.EndsWith("Theory", StringComparison.Ordinal));

    private static string SimpleName(TypeSyntax name) => name switch
    {
        QualifiedNameSyntax qualified => qualified.Right.Identifier.Text,
        SimpleNameSyntax simple => simple.Identifier.Text,
        _ => name.ToString()
    };
}
