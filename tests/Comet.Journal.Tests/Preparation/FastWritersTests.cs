using Comet.Journals.Background;
using Comet.Journals.Preparation;
using Comet.Journals.Segments;
using Comet.Journals.Tests.Support;

namespace Comet.Journals.Tests.Preparation;

/// <summary>Whole journals whose writers count as fast from the start: their spare segments are filled with zeros while they wait, and what
/// is appended to them later stays.</summary>
public sealed class FastWritersTests
{
    private const int Length = 1024 * 1024;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);
    private static readonly JournalOptions s_options = new() { FirstSegmentLength = Length, MaxSegmentLength = Length };

    /// <summary>Held up in the middle of filling a spare, until a writer has had time to take it: in its first step or later.</summary>
    [Theory]
    [InlineData(SegmentHeader.Length)]
    [InlineData(SpareSegment.FillLength)]
    [InlineData(4 * SpareSegment.FillLength)]
    public async Task What_is_appended_to_a_segment_stays_whenever_it_was_taken(long heldUpAt)
    {
        using var directory = new TemporaryDirectory();
        var filling = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var goOn = new ManualResetEventSlim();
        var (heldUp, late) = ("", 0);
        var files = new TracedFileSystem();
        files.BeforeWrite = (path, position) =>
        {
            if (position == heldUpAt && Interlocked.CompareExchange(ref heldUp, path, "").Length == 0)
            {
                filling.SetResult();
                Assert.True(goOn.Wait(Limit));
            }
            else if (position < SegmentHeader.Length || path != heldUp)
                return;

            // It loses this name when it becomes a segment: whoever fills it goes on slowly, so that it could.
            if (SpinWait.SpinUntil(() => !File.Exists(path), TimeSpan.FromMilliseconds(20)))
                Interlocked.Increment(ref late);
        };
        var queue = new CountingQueue();
        using var journal = Journal.Open(
            files.Environment with { LeastAhead = PagePreparer.FastAhead, Background = queue }, directory.Path, s_options);
        using var writer = journal.CreateWriter();
        var count = 0;
        while (!filling.Task.IsCompleted)
        {
            writer.Append(Payload.Of(count++, 20_000 + (count % 9)));
            await Task.WhenAny(queue.UntilDoneAsync(), filling.Task).WaitAsync(Limit);
        }

        var appending = Task.Run(() =>
        {
            while (writer.Append(Payload.Of(count++, 20_000 + (count % 9))).Segment < 4)
            {
                // Through the segment whose filling is held up, and into the next ones.
            }
        });
        // Only who does not wait for what fills the segment gets any further now; what becomes of it is seen below.
        await Task.WhenAny(appending, Task.Delay(TimeSpan.FromMilliseconds(100)));
        goOn.Set();
        await appending.WaitAsync(Limit);
        await queue.UntilDoneAsync().WaitAsync(Limit);
        Assert.Equal(0, late);
        Assert.Equal(Enumerable.Range(0, count), Payload.ReadAll(journal));
    }

    [Fact]
    public async Task Spares_are_filled_until_somebody_waits_for_a_flush()
    {
        using var directory = new TemporaryDirectory();
        var filled = 0;
        var files = new TracedFileSystem
        {
            BeforeWrite = (_, position) => Interlocked.Add(ref filled, position >= SegmentHeader.Length ? 1 : 0)
        };
        var queue = new CountingQueue();
        using var journal = Journal.Open(
            files.Environment with { LeastAhead = PagePreparer.FastAhead, Background = queue }, directory.Path, s_options);
        using var writer = journal.CreateWriter();
        while (writer.Append(Payload.Of(1, 20_000)).Segment < 3)
            await queue.UntilDoneAsync().WaitAsync(Limit);
        Assert.True(filled >= 2 * Length / SpareSegment.FillLength);
        await writer.AppendAsync(Payload.Of(1));
        await queue.UntilDoneAsync().WaitAsync(Limit);
        var before = filled;
        while (writer.Append(Payload.Of(1, 20_000)).Segment < 6)
            await queue.UntilDoneAsync().WaitAsync(Limit);
        Assert.Equal(before, filled);
    }

    /// <summary>The shared threads, and what of it has not been done.</summary>
    private sealed class CountingQueue : IBackgroundQueue
    {
        private readonly Lock _gate = new();
        private TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _count;

        public void Queue(IBackgroundWork work)
        {
            lock (_gate)
                _count++;
            BackgroundThreads.Shared.Queue(new Counted(this, work));
        }

        // What is put off is not waited for.
        public void QueueAfter(IBackgroundWork work, TimeSpan delay) => BackgroundThreads.Shared.QueueAfter(work, delay);

        public Task UntilDoneAsync()
        {
            lock (_gate)
                return _count == 0 ? Task.CompletedTask : _done.Task;
        }

        private void Done()
        {
            lock (_gate)
            {
                if (--_count > 0)
                    return;
                _done.SetResult();
                _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }

        private sealed class Counted(CountingQueue queue, IBackgroundWork work) : IBackgroundWork
        {
            public void Run()
            {
                try
                {
                    work.Run();
                }
                finally
                {
                    queue.Done();
                }
            }
        }
    }
}
