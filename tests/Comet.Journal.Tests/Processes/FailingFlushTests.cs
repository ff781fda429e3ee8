using Comet.Journals.Tests.Support;

namespace Comet.Journals.Tests.Processes;

/// <summary>Real errors of real flushes: strace has one of them fail, and lets all others through.</summary>
public sealed class FailingFlushTests
{
    /// <summary>msync is what a group commit flushes with, fdatasync the flush of new and recovered files, fsync that of names.</summary>
    [Theory]
    [InlineData("msync", 1)]
    [InlineData("msync", 2)]
    [InlineData("msync", 57)]
    [InlineData("msync", 200)]
    [InlineData("fsync", 4)]
    [InlineData("fdatasync", 3)]
    public async Task After_the_first_error_nothing_is_confirmed_any_more_and_what_was_before_is_there(string call, int number)
    {
        if (!OperatingSystem.IsLinux() || !Tool.Run("strace", "-o", "/dev/null", "true"))
            Assert.Skip("strace is not there, or may not trace.");
        using var directory = new TemporaryDirectory();
        var path = Path.Combine(directory.Path, "journal");
        string[] strace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", $"trace={call}", "-e", $"inject={call}:error=EIO:when={number}"];
        List<string> lines;
        using (var child = ChildProcess.StartUnder(strace, "append to the end", path, "0"))
            lines = await child.ReadToEndAsync();

        // A new segment or a new journal that could not be made puts nothing at risk: what is refused then can be tried again.
        Assert.Contains(lines, static line => line is "refused Faulted" or "refused StorageError" or "not opened StorageError");
        var first = lines.IndexOf("refused Faulted");
        Assert.All(first < 0 ? [] : lines[first..], static line => Assert.Equal("refused Faulted", line));
        using var journal = Journal.Open(path);
        var confirmed = lines.Where(static line => char.IsAsciiDigit(line[0]))
            .Select(static line => Confirmation.Parse(line).Number);
        Assert.Empty(confirmed.Except(Payload.ReadAll(journal)));
    }
}
