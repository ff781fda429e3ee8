using Comet.Journals.Control;
using Comet.Journals.Records;
using Comet.Journals.Tests.Support;

namespace Comet.Journals.Tests.SimulatedDisk;

/// <summary>What finds nothing may be blind: each of these bugs is planted, and found for what it is.</summary>
public sealed class PlantedBugTests
{
    private const int MostSeeds = 60;
    private const int Images = 6;
    private const int Lives = 6;

    [Fact]
    public void Records_whose_checksum_is_not_checked_are_found() =>
        AssertFound(new NoChecksums(), "other bytes", "came where", "never given out");

    [Fact]
    public void Files_with_the_same_salt_are_found() =>
        AssertFound(new NoSalt(), "other bytes", "came where", "behind the last one", "cannot be opened");

    [Fact]
    public void Names_that_are_not_flushed_are_found() =>
        AssertFound(new NoDirectoryFlush(), "are lost", "cannot be opened", "is lost");

    [Fact]
    public void Confirming_before_flushing_is_found() =>
        AssertFound(new AckBeforeFlush(), "are lost", "cannot be opened", "place of the reader");

    [Fact]
    public void Trying_a_failed_flush_again_is_found() =>
        AssertFound(new FlushTriedAgain(), DiskMode.FailingFlushes, "are lost", "cannot be opened", "place of the reader");

    [Fact]
    public void A_hole_that_is_never_closed_is_found()
    {
        Assert.True(PassesHole(new NoDefect()));
        Assert.False(PassesHole(new NobodyIsDead()));
    }

    private static void AssertFound(Defect defect, params string[] what) => AssertFound(defect, DiskMode.Honest, what);

    private static void AssertFound(Defect defect, DiskMode mode, params string[] what)
    {
        for (var seed = 1; seed <= MostSeeds; seed++)
        {
            var workload = new CrashWorkload(seed, defect, Images, mode);
            workload.Run(Lives);
            if (workload.Failure is { } failure)
            {
                Assert.Contains(what, each => failure.Contains(each, StringComparison.Ordinal));
                return;
            }
        }

        Assert.Fail($"{defect.GetType().Name} was not found in {MostSeeds} programs.");
    }

    /// <summary>Whether what is behind the claim of a killed writer is read, by somebody who has had the journal open all the
    /// time.</summary>
    private static bool PassesHole(Defect defect)
    {
        var disk = new SimulatedFileSystem(new Random(1));
        JournalEnvironment Environment() => JournalEnvironment.Default with { Files = defect.Wrap(disk), Background = new ManualQueue() };
        using var journal = Journal.Open(Environment(), "/journal");
        using var writer = journal.CreateWriter();
        writer.Append(Payload.Of(0));
        var dying = Journal.Open(Environment(), "/journal");
        var cursor = new ClaimCursor(dying.State);
        _ = cursor.Claim(RecordLayout.Size(100), 1, out _);
        writer.Append(Payload.Of(1));
        Assert.Equal([0], Payload.ReadAll(journal));
        disk.Locks.Release(dying.State.Control!.Locks);
        return Payload.ReadAll(journal) is [0, 1];
    }
}
