using Comet.Journals.Background;
using Comet.Journals.FileSystem;
using Comet.Journals.Preparation;
using Comet.Journals.Segments;
using Comet.Journals.Tests.Support;

namespace Comet.Journals.Tests.Preparation;

/// <summary>Spares of fast writers are filled with zeros in the background: never over what a writer has written, and never over the
/// header.</summary>
public sealed class FilledSparesTests
{
    private const int Length = 1024 * 1024;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);
    private static readonly SpareGoal s_all = new(long.MaxValue, Fills: true);

    [Fact]
    public void All_behind_the_header_is_zero_and_the_header_stays()
    {
        using var directory = new TemporaryDirectory();
        using var spare = Make(new TracedFileSystem(), directory);
        Bytes(spare).Fill(7);
        while (spare.TryPrepare(s_all))
        {
            // Step by step.
        }

        Assert.Equal(Length, spare.Prepared);
        Assert.Equal(-1, Bytes(spare)[..SegmentHeader.Length].IndexOfAnyExcept((byte)7));
        Assert.Equal(-1, Bytes(spare)[SegmentHeader.Length..].IndexOfAnyExcept((byte)0));
    }

    [Fact]
    public async Task Whoever_takes_one_waits_for_the_step_under_way_and_nothing_is_written_after_that()
    {
        using var directory = new TemporaryDirectory();
        using var writing = new SemaphoreSlim(0);
        using var goOn = new ManualResetEventSlim();
        var files = new TracedFileSystem
        {
            BeforeWrite = (_, _) =>
            {
                writing.Release();
                Assert.True(goOn.Wait(Limit));
            }
        };
        var spares = new SpareSegments(_ => Make(files, directory), File.Delete, static () => s_all, BackgroundThreads.Shared);
        spares.Request(Length, 1);
        Assert.True(await writing.WaitAsync(Limit));
        var taking = Task.Run(() => spares.Take(Length));
        Assert.NotSame(taking, await Task.WhenAny(taking, Task.Delay(TimeSpan.FromMilliseconds(50))));
        goOn.Set();
        using var taken = await taking.WaitAsync(Limit);
        files.BeforeWrite = static (_, _) => Assert.Fail("A spare that was taken is filled.");
        Bytes(taken).Fill(9);
        Assert.False(taken.TryPrepare(s_all));
        Assert.True(taken.Prepared < Length);
        Assert.Equal(-1, Bytes(taken).IndexOfAnyExcept((byte)9));
        spares.Close();
    }

    [Fact]
    public void A_disk_that_takes_no_zeros_leaves_a_spare_that_can_be_used()
    {
        using var directory = new TemporaryDirectory();
        var files = new TracedFileSystem
        {
            BeforeWrite = static (path, _) => throw new JournalException(JournalErrorCode.StorageFull, $"No room for {path}.")
        };
        using var spare = Make(files, directory);
        Assert.False(spare.TryPrepare(s_all));
        Assert.False(spare.TryPrepare(s_all));
        Bytes(spare).Fill(9);
    }

    [Fact]
    public void One_that_rests_has_no_pages_ready()
    {
        using var directory = new TemporaryDirectory();
        var spares = new SpareSegments(_ => Make(new TracedFileSystem(), directory), File.Delete, static () => s_all, new AtOnce());
        spares.Request(Length, 1);
        spares.Rest();
        using (var taken = spares.Take(Length))
            Assert.Equal(0, taken.Prepared);
        spares.Close();
    }

    /// <summary>The threads it is done on are those that flush.</summary>
    [Fact]
    public void A_long_one_is_filled_in_turns_with_other_work()
    {
        const int Long = 16 * Length;
        using var directory = new TemporaryDirectory();
        var queue = new Queue<IBackgroundWork>();
        var spares = new SpareSegments(
            _ => Make(new TracedFileSystem(), directory, Long), File.Delete, static () => s_all, new Waiting(queue));
        spares.Request(Long, 1);
        var turns = 0;
        for (; queue.TryDequeue(out var work); turns++)
            work.Run();
        using (var taken = spares.Take(Long))
            Assert.Equal(Long, taken.Prepared);
        Assert.InRange(turns, 4, 16);
        spares.Close();
    }

    private static unsafe Span<byte> Bytes(SpareSegment spare) => new(spare.Mapping.Pointer, Length);

    private static SpareSegment Make(TracedFileSystem files, TemporaryDirectory directory, int length = Length)
    {
        var file = files.Open(Path.Combine(directory.Path, "spare"), FileOpening.Create);
        file.Preallocate(length);
        return new SpareSegment(file, file.Map(length, writable: true), 0);
    }

    private sealed class Waiting(Queue<IBackgroundWork> queue) : IBackgroundQueue
    {
        public void Queue(IBackgroundWork work) => queue.Enqueue(work);

        public void QueueAfter(IBackgroundWork work, TimeSpan delay) => throw new NotSupportedException();
    }
}
