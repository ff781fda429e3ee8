using Comet.Journals.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace Comet.Journals.Tests.Maintenance;

public sealed class RetentionTests
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

    [Fact]
    public async Task Segments_go_once_their_last_record_is_too_old_and_never_the_one_that_is_written()
    {
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path, Hourly());
        await AppendHoursAsync(journal, 6);
        var keepThree = new JournalMaintenance { RetainFor = TimeSpan.FromHours(3) };
        // The last records of the hours are 5, 4, 3 ... hours and some seconds old.
        Assert.Equal(3, journal.RunMaintenance(keepThree).Deleted);
        Assert.Equal(0, journal.RunMaintenance(keepThree).Deleted);
        Assert.Equal(30, journal.FirstSequence);
        Assert.Equal(30, journal.Count());
        _time.Advance(TimeSpan.FromDays(10));
        Assert.Equal(2, journal.RunMaintenance(keepThree).Deleted);
        Assert.Single(PackedJournal.Hot(directory.Path));
        Assert.Equal(10, journal.Count());
    }

    [Fact]
    public async Task The_oldest_go_while_all_together_take_too_many_bytes()
    {
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path, Hourly());
        await AppendHoursAsync(journal, 6);
        var all = new DirectoryInfo(directory.Path).GetFiles("*.journal").Sum(static file => file.Length);
        Assert.Equal(0, journal.RunMaintenance(new JournalMaintenance { RetainBytes = all }).Deleted);
        Assert.Equal(1, journal.RunMaintenance(new JournalMaintenance { RetainBytes = all - 1 }).Deleted);
        Assert.Equal(10, journal.FirstSequence);
        Assert.Empty(journal.RunMaintenance(new JournalMaintenance { RetainBytes = 1 }).Failures);
        Assert.Equal(10, journal.Count());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_a_named_reader_needs_stays_whatever_the_form(bool pack)
    {
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path, Hourly());
        await AppendHoursAsync(journal, 6);
        using (journal.OpenReader("slow", JournalStart.AtSequence(25)))
        {
            // Its place stays when it is closed, and counts.
        }

        var work = new JournalMaintenance
        {
            Compression = pack ? JournalCodec.Lz4 : JournalCodec.None,
            RetainFor = TimeSpan.FromMinutes(1),
            RetainBytes = 1
        };
        Assert.Equal(2, journal.RunMaintenance(work).Deleted);
        Assert.Equal(0, journal.RunMaintenance(work).Deleted);
        using (var slow = journal.OpenReader("slow"))
        {
            for (var i = 25; i < 60; i++)
            {
                Assert.True(slow.Reader.TryRead(out var record));
                Assert.Equal(i, record.Sequence);
            }

            slow.Commit();
        }

        Assert.Equal(3, journal.RunMaintenance(work).Deleted);
    }

    [Fact]
    public async Task A_place_that_cannot_be_read_stops_the_removal()
    {
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path, Hourly());
        await AppendHoursAsync(journal, 3);
        journal.OpenReader("broken").Dispose();
        DirectoryState.Overwrite(Path.Combine(directory.Path, "broken.reader"), 0, new byte[12288]);
        var result = journal.RunMaintenance(new JournalMaintenance { RetainBytes = 1 });
        Assert.Equal(0, result.Deleted);
        Assert.Equal(JournalErrorCode.Corrupt, Assert.IsType<JournalException>(Assert.Single(result.Failures)).Code);
    }

    [Fact]
    public async Task A_reader_in_the_middle_of_what_is_removed_reads_it_to_its_end()
    {
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path, Hourly());
        await AppendHoursAsync(journal, 4);
        Assert.Empty(journal.RunMaintenance(PackedJournal.Lz4).Failures);
        using var reader = journal.CreateReader();
        Assert.True(reader.TryRead(out _));
        Assert.Equal(3, journal.RunMaintenance(new JournalMaintenance { RetainBytes = 1 }).Deleted);
        for (var i = 1; i < 10; i++)
            Assert.True(reader.TryRead(out _));
        Assert.True(reader.TryRead(out var kept));
        Assert.Equal(30, kept.Sequence);
    }

    private JournalOptions Hourly() => new() { RollCycle = RollCycle.Hour, TimeProvider = _time, FirstSegmentLength = 64 * 1024 };

    /// <summary>Ten records in the first minutes of each hour; then it is some minutes past the last one.</summary>
    private async Task AppendHoursAsync(Journal journal, int hours)
    {
        using var writer = journal.CreateWriter();
        for (var hour = 0; hour < hours; hour++)
        {
            for (var i = 0; i < 10; i++)
            {
                writer.Append("x"u8);
                _time.Advance(TimeSpan.FromSeconds(5));
            }

            if (hour + 1 < hours)
                _time.Advance(TimeSpan.FromHours(1) - TimeSpan.FromSeconds(50));
        }

        await journal.FlushAsync();
    }
}
