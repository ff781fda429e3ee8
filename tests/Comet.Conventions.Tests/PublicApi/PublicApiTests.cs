using Comet.Conventions.Tests.Architecture;

namespace Comet.Conventions.Tests.PublicApi;

public sealed class PublicApiTests
{
    public static TheoryData<string> Packages => [.. PackageNames];

    private static IEnumerable<string> PackageNames =>
        ProjectFile.LoadAll().Where(project => project.IsLibraryPackage).Select(project => project.Name);

    [Theory]
    [MemberData(nameof(Packages))]
    public void PublicApiIsTheApprovedOne(string package)
    {
        var actual = ApiSnapshot.Of(package);
        var path = ApiSnapshot.PathOf(package);
        if (Environment.GetEnvironmentVariable(ApiSnapshot.AcceptVariable) == "1")
        {
            Directory.CreateDirectory(Repository.FullPath(ApiSnapshot.Folder));
            File.WriteAllText(Repository.FullPath(path), actual);
        }

        var approved = File.Exists(Repository.FullPath(path)) ? Repository.Read(path) : "";
        var difference = ApiSnapshot.Difference(approved, actual);
        Assert.True(difference is null, $"""
            The public API of {package} is not what {path} approves:
            {difference}
            If users should see this change, run these tests once with {ApiSnapshot.AcceptVariable}=1 and commit the file.
            """);
    }

    [Fact]
    public void EveryApprovedFileHasItsPackage()
    {
        var expected = PackageNames.Select(ApiSnapshot.PathOf).ToHashSet();
        Assert.NotEmpty(expected);
        Finding.AssertNone(Repository.Files
            .Where(path => path.StartsWith(ApiSnapshot.Folder, StringComparison.Ordinal) && !expected.Contains(path))
            .Select(path => new Finding("api", path, 0, "Approves a package that is no more: delete it.")));
    }

    [Theory]
    [InlineData("a\nb\n", "a\nb\n", null)]
    [InlineData("a\nb\nc\n", "a\nc\n", "  a\n- b\n  c")]
    [InlineData("a\nc\n", "a\nb\nc\n", "  a\n+ b\n  c")]
    [InlineData("1\n2\n3\n4\nold\n5\n6\n7\n", "1\n2\n3\n4\nnew\n5\n6\n7\n", "  3\n  4\n- old\n+ new\n  5\n  6")]
    [InlineData("", "a\n", "- \n+ a")]
    public void DifferenceIsWhatChanged(string approved, string actual, string? expected) =>
        Assert.Equal(expected, ApiSnapshot.Difference(approved, actual));
}
