using System.Threading.Channels;
using Comet.Journals.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace Comet.Journals.Tests.Maintenance;

public sealed class BackgroundTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(25);

    private readonly Channel<JournalEvent> _events = Channel.CreateUnbounded<JournalEvent>();
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

    [Fact]
    public async Task Everything_that_happens_to_a_segment_is_told_in_order()
    {
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path, Options());
        await PackedJournal.FillAsync(journal);
        Assert.Empty(journal.RunMaintenance(new JournalMaintenance
        {
            Compression = JournalCodec.Lz4,
            Cool = new JournalTier("cool", TimeSpan.Zero)
        }).Failures);
        var packed = PackedJournal.Packed(directory.Path);
        Assert.Equal(packed.Length, journal.TruncateBefore(long.MaxValue));
        var events = new List<JournalEvent>();
        while (events.Count(each => each.Kind == JournalEventKind.Deleted) < packed.Length)
            events.Add(await NextAsync());
        Assert.Equal([JournalEventKind.Opened, JournalEventKind.Sealed, JournalEventKind.Packed, JournalEventKind.Moved,
            JournalEventKind.Deleted], events.Where(each => each.Segment == 1).Select(each => each.Kind));
        var last = events.Max(each => each.Segment);
        Assert.Equal([JournalEventKind.Opened], events.Where(each => each.Segment == last).Select(each => each.Kind));
        Assert.All(events.Where(each => each.Kind == JournalEventKind.Packed), each =>
        {
            Assert.Contains(each.Path, packed);
            Assert.InRange(each.BytesAfter, 1, each.BytesBefore - 1);
        });
    }

    [Fact]
    public async Task By_the_clock_of_the_journal_it_is_done_without_being_asked_for()
    {
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path, Options() with
        {
            Maintenance = PackedJournal.Lz4 with { Interval = TimeSpan.FromMinutes(10), RetainFor = TimeSpan.FromHours(1) }
        });
        await PackedJournal.FillAsync(journal);
        var count = PackedJournal.Hot(directory.Path).Length - 1;
        _time.Advance(TimeSpan.FromMinutes(10));
        await CountAsync(JournalEventKind.Packed, count);
        _time.Advance(TimeSpan.FromHours(1));
        await CountAsync(JournalEventKind.Deleted, count);
        Assert.Single(PackedJournal.Hot(directory.Path));
    }

    [Fact]
    public async Task What_a_handler_throws_harms_nobody()
    {
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path, Options() with
        {
            EventOccurred = what =>
            {
                _events.Writer.TryWrite(what);
                throw new InvalidOperationException("the handler's own");
            }
        });
        await PackedJournal.FillAsync(journal);
        Assert.Empty(journal.RunMaintenance(PackedJournal.Lz4).Failures);
        await CountAsync(JournalEventKind.Packed, PackedJournal.Packed(directory.Path).Length);
    }

    [Fact]
    public async Task A_failure_is_reported_harms_no_append_and_the_next_run_does_the_work()
    {
        using var directory = new TemporaryDirectory();
        var fails = true;
        var files = new TracedFileSystem
        {
            BeforeFlush = name =>
            {
                if (Volatile.Read(ref fails) && name.Contains(".packed", StringComparison.Ordinal))
                    throw new JournalException(JournalErrorCode.StorageFull, "There is no room.");
            }
        };
        using var journal = Journal.Open(files.Environment, directory.Path, Options() with
        {
            Maintenance = PackedJournal.Lz4 with { Interval = TimeSpan.FromMinutes(1) }
        });
        await PackedJournal.FillAsync(journal);
        var count = PackedJournal.Hot(directory.Path).Length - 1;
        _time.Advance(TimeSpan.FromMinutes(1));
        for (var i = 0; i < count; i++)
        {
            var failed = await NextAsync(JournalEventKind.Failed);
            Assert.Equal(JournalErrorCode.StorageFull, Assert.IsType<JournalException>(failed.Error).Code);
            Assert.InRange(failed.Segment, 1, count);
        }

        Assert.False(journal.IsFaulted);
        await PackedJournal.FillAsync(journal, PackedJournal.Count);
        PackedJournal.AssertTidy(directory.Path);
        Volatile.Write(ref fails, false);
        _time.Advance(TimeSpan.FromMinutes(1));
        await CountAsync(JournalEventKind.Packed, PackedJournal.Hot(directory.Path).Length - 1);
        Assert.Equal(Enumerable.Range(0, 2 * PackedJournal.Count), Payload.ReadAll(journal));
    }

    [Fact]
    public async Task It_can_be_cancelled_and_tells_how_far_it_is()
    {
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path, Options());
        await PackedJournal.FillAsync(journal);
        using var cancel = new CancellationTokenSource();
        var progress = new Reported(reached =>
        {
            if (reached.SegmentsDone == 1 && reached.BytesPacked > 0)
                cancel.Cancel();
        });
        Assert.Throws<OperationCanceledException>(() => journal.RunMaintenance(PackedJournal.Lz4, progress, cancel.Token));
        Assert.Single(PackedJournal.Packed(directory.Path));
        PackedJournal.AssertTidy(directory.Path);
        Assert.Empty(journal.RunMaintenance(PackedJournal.Lz4, progress, CancellationToken.None).Failures);
        Assert.Equal(progress.Last.Segments, progress.Last.SegmentsDone);
        Assert.True(progress.Last.BytesPacked > 0);
        Assert.Equal(Enumerable.Range(0, PackedJournal.Count), Payload.ReadAll(journal));
    }

    [Fact]
    public async Task Closing_the_journal_ends_what_is_under_way()
    {
        using var directory = new TemporaryDirectory();
        using var isPacking = new ManualResetEventSlim();
        using var closed = new SemaphoreSlim(0);
        var files = new TracedFileSystem
        {
            BeforeFlush = name =>
            {
                if (!name.Contains(".packed", StringComparison.Ordinal))
                    return;
                isPacking.Set();
                closed.Wait(Limit);
            }
        };
        var journal = Journal.Open(files.Environment, directory.Path, Options() with
        {
            Maintenance = PackedJournal.Lz4 with { Interval = TimeSpan.FromMinutes(1) }
        });
        await PackedJournal.FillAsync(journal);
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.True(isPacking.Wait(Limit, TestContext.Current.CancellationToken));
        var closing = Task.Run(journal.Dispose, TestContext.Current.CancellationToken);
        // It waits for the flush that is under way, and for nothing more.
        Assert.False(closing.IsCompleted);
        closed.Release(1000);
        await closing.WaitAsync(Limit, TestContext.Current.CancellationToken);
        Assert.InRange(PackedJournal.Packed(directory.Path).Length, 0, 1);
        using var again = Journal.Open(directory.Path, Options());
        Assert.Equal(Enumerable.Range(0, PackedJournal.Count), Payload.ReadAll(again));
    }

    [Fact]
    public void What_makes_no_sense_is_refused_when_the_journal_is_opened()
    {
        using var directory = new TemporaryDirectory();
        foreach (var wrong in new JournalMaintenance[]
        {
            new() { Compression = (JournalCodec)9 },
            new() { CompressionLevel = 13 },
            new() { Encrypt = true },
            new() { RetainFor = TimeSpan.Zero },
            new() { RetainBytes = 0 },
            new() { Interval = TimeSpan.Zero },
            new() { Cool = new JournalTier("", TimeSpan.Zero) },
            new() { Cool = new JournalTier("a", TimeSpan.FromDays(2)), Cold = new JournalTier("b", TimeSpan.FromDays(1)) }
        })
            Assert.Throws<ArgumentException>(() => Journal.Open(directory.Path, new JournalOptions { Maintenance = wrong }));
        using (Journal.Open(directory.Path))
        {
            // So that there is one to be read.
        }

        using var reading = Journal.Open(directory.Path, new JournalOptions { Access = JournalAccess.ReadOnly });
        Assert.Equal(JournalErrorCode.ReadOnly, Assert.Throws<JournalException>(() => reading.RunMaintenance()).Code);
    }

    private JournalOptions Options() => PackedJournal.Options with
    {
        TimeProvider = _time,
        EventOccurred = what => _events.Writer.TryWrite(what)
    };

    private async Task<JournalEvent> NextAsync() =>
        await _events.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(Limit);

    private async Task<JournalEvent> NextAsync(JournalEventKind kind)
    {
        JournalEvent next;
        do
        {
            next = await NextAsync();
            Assert.True(next.Kind != JournalEventKind.Failed || kind == JournalEventKind.Failed, $"{next.Error}");
        }
        while (next.Kind != kind);
        return next;
    }

    private async Task CountAsync(JournalEventKind kind, int count)
    {
        for (var i = 0; i < count; i++)
            _ = await NextAsync(kind);
    }

    private sealed class Reported(Action<JournalMaintenanceProgress> report) : IProgress<JournalMaintenanceProgress>
    {
        public JournalMaintenanceProgress Last { get; private set; }

        public void Report(JournalMaintenanceProgress value)
        {
            Last = value;
            report(value);
        }
    }
}
