using Comet.Journals.Tests.Support;

namespace Comet.Journals.Tests.Maintenance;

public sealed class CrashTests
{
    private const int Count = 60;

    private static readonly JournalOptions Small = new()
    {
        FirstSegmentLength = 16 * 1024,
        MaxSegmentLength = 32 * 1024,
        RollCycle = RollCycle.BySize,
        FlushInterval = TimeSpan.FromMinutes(10),
        Keys = Keys.Ring("k")
    };

    private static readonly JournalMaintenance Move = new()
    {
        Compression = JournalCodec.Snappy,
        Cool = new JournalTier("cool", TimeSpan.Zero)
    };

    public static TheoryData<string> Scenarios => ["pack", "pack into another folder", "move", "encrypt", "remove"];

    /// <summary>The process ends at every single change of a file or directory.</summary>
    [Theory]
    [MemberData(nameof(Scenarios))]
    public async Task Whenever_the_process_ends_every_record_is_there_once_and_the_next_run_finishes_the_work(string scenario)
    {
        var (before, work) = Prepare(scenario);
        using var template = new TemporaryDirectory();
        using (var journal = Journal.Open(template.Path, Small))
        {
            await PackedJournal.FillAsync(journal, 0, Count);
            Assert.Empty(journal.RunMaintenance(before).Failures);
        }

        var isDone = false;
        for (var changes = 0; !isDone; changes++)
        {
            using var directory = DirectoryState.CopyTree(template.Path);
            var files = new CutOffFileSystem(int.MaxValue);
            using (var journal = Journal.Open(files.Environment, directory.Path, Small))
            {
                files.Left = changes;
                isDone = journal.RunMaintenance(work).Failures.Count == 0;
                files.Left = 0;
            }

            Assert.True(changes < 400);
            AssertGoesOn(directory, scenario, work);
        }
    }

    [Theory]
    [MemberData(nameof(Scenarios))]
    public async Task A_copy_is_durable_under_its_name_before_the_other_one_is_deleted(string scenario)
    {
        var (before, work) = Prepare(scenario);
        using var directory = new TemporaryDirectory();
        var files = new TracedFileSystem();
        using var journal = Journal.Open(files.Environment, directory.Path, Small);
        await PackedJournal.FillAsync(journal, 0, Count);
        Assert.Empty(journal.RunMaintenance(before).Failures);
        var seen = files.Events.Count;
        Assert.Empty(journal.RunMaintenance(work).Failures);
        var events = files.Events.Skip(seen).ToList();
        var replaced = events.FindAll(each => each.StartsWith("replace 2", StringComparison.Ordinal));
        Assert.Equal(scenario == "remove", replaced.Count == 0);
        foreach (var rename in replaced)
        {
            var at = events.IndexOf(rename);
            var name = rename["replace ".Length..];
            Assert.StartsWith($"flush {name}.", events[at - 1], StringComparison.Ordinal);
            Assert.Equal("directory", events[at + 1]);
            var deleted = events.FindIndex(each => each.StartsWith("delete ", StringComparison.Ordinal)
                && each["delete ".Length..].Split('.')[0] == name.Split('.')[0]);
            Assert.True(scenario == "encrypt" ? deleted < 0 : deleted == at + 2);
        }
    }

    private static (JournalMaintenance Before, JournalMaintenance Work) Prepare(string scenario) => scenario switch
    {
        "pack" => (new JournalMaintenance(), PackedJournal.Lz4),
        "pack into another folder" => (new JournalMaintenance(), Move),
        "move" => (PackedJournal.Lz4, Move),
        "encrypt" => (PackedJournal.Lz4, new JournalMaintenance { Encrypt = true }),
        _ => (Move with { Compression = JournalCodec.Lz4 }, new JournalMaintenance { RetainBytes = 1 })
    };

    private static void AssertGoesOn(TemporaryDirectory directory, string scenario, JournalMaintenance work)
    {
        using (var reading = Journal.Open(directory.Path, Small with { Access = JournalAccess.ReadOnly }))
            AssertWhole(reading, scenario);
        using var journal = Journal.Open(directory.Path, Small);
        AssertWhole(journal, scenario);
        Assert.Empty(journal.RunMaintenance(work).Failures);
        AssertWhole(journal, scenario);
        var cool = Path.Combine(directory.Path, "cool");
        PackedJournal.AssertTidy(Directory.Exists(cool) ? [directory.Path, cool] : [directory.Path]);
        Assert.Single(PackedJournal.Hot(directory.Path));
        if (work.Cool is not null)
            Assert.Empty(Directory.GetFiles(directory.Path, "*.packed"));
        if (scenario == "remove")
            Assert.Empty(PackedJournal.Packed(directory.Path));
    }

    private static void AssertWhole(Journal journal, string scenario)
    {
        var all = Payload.ReadAll(journal);
        var first = scenario == "remove" ? (int)journal.FirstSequence : 0;
        Assert.Equal(Enumerable.Range(first, Count - first), all);
    }
}
