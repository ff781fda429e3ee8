using Comet.Journals.Control;
using Comet.Journals.FileSystem;
using Comet.Journals.Preparation;

namespace Comet.Journals.Tests.Preparation;

/// <summary>What a killed process left of its spare segments goes while others have the journal open; theirs stay.</summary>
public sealed class SpareFilesTests
{
    [Fact]
    public void Who_gets_the_number_of_a_killed_one_deletes_what_it_left_and_nothing_else()
    {
        using var directory = new TemporaryDirectory();
        using var living = Owner(directory, out var ofLiving);
        var killed = Owner(directory, out var ofKilled);
        string[] others = [Write(directory, "spare-10-a.tmp"), Write(directory, "spare-1-a.txt"), Write(directory, "notes.txt"), ofLiving];
        Assert.StartsWith("spare-0-", Path.GetFileName(ofLiving), StringComparison.Ordinal);
        Assert.StartsWith("spare-1-", Path.GetFileName(ofKilled), StringComparison.Ordinal);
        killed.Dispose();

        using var next = Owner(directory, out var ofNext);
        Assert.StartsWith("spare-1-", Path.GetFileName(ofNext), StringComparison.Ordinal);
        Assert.False(File.Exists(ofKilled));
        Assert.All(others, static path => Assert.True(File.Exists(path)));
        Assert.True(File.Exists(ofNext));
    }

    [Fact]
    public void Without_others_they_have_no_owner()
    {
        using var directory = new TemporaryDirectory();
        var path = new SpareFiles(directory.Path, JournalEnvironment.Default).Next();
        Assert.True(SpareFiles.IsOne(Path.GetFileName(path)));
        Assert.Equal(2, Path.GetFileName(path).Split('-').Length);
    }

    // Another open file, as another process has: its locks end when it is closed.
    private static IJournalFile Owner(TemporaryDirectory directory, out string path)
    {
        var locks = FileSystems.Default.Open(Path.Combine(directory.Path, "control"), FileOpening.OpenOrCreate);
        var files = new SpareFiles(directory.Path, JournalEnvironment.Default);
        files.ShareBy(locks);
        path = Write(directory, Path.GetFileName(files.Next()));
        Assert.NotEqual(path, files.Next());
        return locks;
    }

    private static string Write(TemporaryDirectory directory, string name)
    {
        var path = Path.Combine(directory.Path, name);
        File.WriteAllText(path, "");
        return path;
    }
}
