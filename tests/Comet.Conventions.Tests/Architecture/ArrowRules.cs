using Comet.Conventions.Tests.Tidy;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Comet.Conventions.Tests.Architecture;

/// <summary>Finds edges that the table does not have.</summary>
internal static class ArrowRules
{
    private const string Table = "If it is meant to be, decide it in docs/decisions and add it to ArrowTable.";

    public static IEnumerable<Finding> Edges(ProjectFile project)
    {
        if (ArrowTable.For(project) is not { } row)
        {
            yield return Breach(project, $"'{project.Name}' is a new project: nobody has said whom it may know. {Table}");
            yield break;
        }

        foreach (var name in project.Projects.Where(name => !row.Projects.Allows(name)))
            yield return Breach(project, $"The project reference to '{name}' is a new arrow. {Table}");

        foreach (var name in project.Packages.Where(name => !row.Packages.Allows(name)))
            yield return Breach(project, $"The package '{name}' is a new dependency. {Table}");

        foreach (var name in project.Friends.Where(name => !row.Friends.Allows(name)))
        {
            yield return Breach(project,
                $"'{name}' may not see these internals: only own tests and, for Comet.Protocol, the two sides of the wire. {Table}");
        }

        foreach (var path in project.SideDoors)
            yield return Breach(project, $"'{path}' goes around the arrows: use a project or package reference.");
    }

    /// <summary>Friends are named in project files, where the edges are compared, and provider packages stay in their folders.</summary>
    public static IEnumerable<Finding> Source(SourceFile file)
    {
        foreach (var attribute in file.Syntax.DescendantNodes().OfType<AttributeSyntax>())
        {
            if (attribute.Name.ToString().Split('.')[^1] is "InternalsVisibleTo" or "InternalsVisibleToAttribute")
            {
                yield return new Finding("arrows", file.Path, SourceFile.FirstLine(attribute.GetFirstToken()),
                    "Name friends in the project file.");
            }
        }

        if (!file.Path.StartsWith("Comet.", StringComparison.Ordinal))
            yield break;

        foreach (var name in file.Syntax.DescendantNodes().OfType<NameSyntax>().Where(IsOutermost))
        {
            var text = name.ToString().Replace("global::", "", StringComparison.Ordinal);
            var provider = ArrowTable.Providers.FirstOrDefault(each => each.Namespaces.Any(space => IsIn(name, text, space)));
            if (provider?.Folders.Any(folder => file.Path.StartsWith(folder, StringComparison.Ordinal)) is false)
            {
                yield return new Finding("arrows", file.Path, SourceFile.FirstLine(name.GetFirstToken()),
                    $"'{text}' is {provider.Package}, used only in {string.Join(", ", provider.Folders)}: go through the port.");
            }
        }
    }

    private static bool IsOutermost(NameSyntax name) => name.Parent is not NameSyntax;

    // A bare name is a namespace only in a using; 'Polly' alone elsewhere is somebody's identifier.
    private static bool IsIn(NameSyntax name, string text, string space) =>
        text.StartsWith(space + ".", StringComparison.Ordinal) || (text == space && name.Parent is UsingDirectiveSyntax);

    private static Finding Breach(ProjectFile project, string sentence) => new("arrows", project.Path, 0, sentence);
}
