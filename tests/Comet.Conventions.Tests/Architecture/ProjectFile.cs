using System.Xml.Linq;

namespace Comet.Conventions.Tests.Architecture;

/// <summary>What a project file says about whom the project knows and who may see inside it.</summary>
internal sealed record ProjectFile(string Path, XDocument Xml)
{
    public string Name => System.IO.Path.GetFileNameWithoutExtension(Path);

    public string Folder => Path[..Math.Max(0, Path.LastIndexOf('/'))];

    public IEnumerable<string> Projects =>
        Includes("ProjectReference").Select(path => System.IO.Path.GetFileNameWithoutExtension(path.Replace('\\', '/')));

    public IEnumerable<string> Packages => Includes("PackageReference").Concat(Includes("FrameworkReference"));

    public IEnumerable<string> Friends => Includes("InternalsVisibleTo");

    /// <summary>Ways around the table: binaries by path, build files of others, sources of other folders.</summary>
    public IEnumerable<string> SideDoors =>
    [
        .. Includes("Reference"),
        .. Elements("Import").Select(import => (string?)import.Attribute("Project") ?? ""),
        .. Includes("Compile").Where(path => path.StartsWith("..", StringComparison.Ordinal) && !IsOtherTests(path) && !IsShared(path))
    ];

    /// <summary>True when the project is published as a package that programs reference.</summary>
    public bool IsLibraryPackage => IsTrue("IsPackable") && !IsTrue("PackAsTool");

    public static ProjectFile Load(string path) => new(path, XDocument.Parse(Repository.Read(path)));

    public static IReadOnlyList<ProjectFile> LoadAll() =>
        Repository.Files.Where(path => path.EndsWith(".csproj", StringComparison.Ordinal)).Select(Load).ToList();

    // Tests may take the stand-ins of other tests, which are internal and no package of their own.
    // Sources that belong to no project and know none (decision 0008).
    private static bool IsShared(string path) => path.Replace('\\', '/').StartsWith("../Shared/", StringComparison.Ordinal);

    private bool IsOtherTests(string path) =>
        Path.StartsWith("tests/", StringComparison.Ordinal) && path.StartsWith(@"..\Comet.", StringComparison.Ordinal)
        && path.Split('\\')[1].EndsWith(".Tests", StringComparison.Ordinal);

    private bool IsTrue(string property) => Elements(property).Any(element => element.Value.Trim() == "true");

    private IEnumerable<string> Includes(string element) => Elements(element)
        .SelectMany(each => ((string?)each.Attribute("Include") ?? "").Split(';'))
        .Select(name => name.Trim())
        .Where(name => name.Length > 0);

    private IEnumerable<XElement> Elements(string name) => Xml.Descendants().Where(element => element.Name.LocalName == name);
}
