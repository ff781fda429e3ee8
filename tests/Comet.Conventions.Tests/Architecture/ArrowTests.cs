using Comet.Conventions.Tests.Tidy;

namespace Comet.Conventions.Tests.Architecture;

public sealed class ArrowTests
{
    [Fact]
    public void ProjectsKnowOnlyWhomTheTableNames()
    {
        var buildFiles = Repository.Files
            .Where(path => Path.GetFileName(path) is "Directory.Build.props" or "Directory.Build.targets")
            .ToList();
        Assert.All(buildFiles, path =>
            Assert.False(path.Contains('/', StringComparison.Ordinal), $"{path}: there is one set of build files, at the root."));

        var projects = ProjectFile.LoadAll();
        Assert.All(ArrowTable.Projects, row => Assert.Contains(projects, project => project.Path == $"{row.Project}/{row.Project}.csproj"));
        Finding.AssertNone(projects.Concat(buildFiles.Select(ProjectFile.Load)).SelectMany(ArrowRules.Edges));
    }

    [Fact]
    public void SourcesStayInsideTheArrows() => Finding.AssertNone(Repository.Files
        .Where(path => path.EndsWith(".cs", StringComparison.Ordinal))
        .AsParallel().AsOrdered().SelectMany(path => ArrowRules.Source(SourceFile.Load(path))));

    [Fact]
    public void EveryProjectIsInTheSolution()
    {
        var solution = Repository.Read("Comet.sln").Replace('\\', '/');
        Finding.AssertNone(ProjectFile.LoadAll()
            .Where(project => !solution.Contains($"\"{project.Path}\"", StringComparison.Ordinal))
            .Select(project => new Finding("solution", project.Path, 0, "Not in Comet.sln, so nobody builds it: dotnet sln add it.")));
    }
}
