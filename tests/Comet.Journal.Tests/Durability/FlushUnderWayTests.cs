using Comet.Journals.Control;
using Comet.Journals.Records;
using Comet.Journals.Segments;

namespace Comet.Journals.Tests.Durability;

public sealed class FlushUnderWayTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(25);

    /// <summary>A flush that nobody waits for has written its mark and waits for a writer in the middle. What is appended behind that mark
    /// is made durable by the next flush, and confirmed by that one only.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_flush_that_was_under_way_confirms_nothing_that_came_behind_its_mark(bool close)
    {
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path, new JournalOptions { FlushInterval = TimeSpan.FromMilliseconds(1) });
        using var writer = journal.CreateWriter();
        using var other = new StoppedWriter(journal.State);
        writer.Append("begins the flush"u8);
        await other.WaitForMarkAsync().WaitAsync(Limit, TestContext.Current.CancellationToken);
        var waiting = new List<Task<JournalPosition>>();
        for (var i = 0; i < 20; i++)
            waiting.Add(writer.AppendAsync(new byte[5000], JournalDurability.Disk, TestContext.Current.CancellationToken).AsTask());
        Assert.DoesNotContain(waiting, confirmed => confirmed.IsCompleted);
        other.GoOn();
        if (close)
            journal.Dispose();
        foreach (var confirmed in waiting)
        {
            var position = await confirmed.WaitAsync(Limit, TestContext.Current.CancellationToken);
            Assert.True(new JournalPlace(position.Segment, position.FilePosition + 5000) <= other.Durable);
        }
    }

    /// <summary>A mark that is written when all is quiet is not flushed, and nobody waits for it.</summary>
    [Fact]
    public async Task Behind_the_mark_of_a_quiet_journal_there_is_nothing_to_wait_for()
    {
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path, new JournalOptions { FlushInterval = TimeSpan.FromMilliseconds(1) });
        using var writer = journal.CreateWriter();
        for (var round = 0; round < 5; round++)
        {
            await writer.AppendAsync("x"u8.ToArray(), JournalDurability.Disk, TestContext.Current.CancellationToken)
                .AsTask().WaitAsync(Limit, TestContext.Current.CancellationToken);
            while (!HasMarkBehindDurable(journal))
            {
                TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
                await Task.Yield();
            }

            await journal.FlushAsync(TestContext.Current.CancellationToken).AsTask()
                .WaitAsync(Limit, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>It may have been written before the confirm was seen here.</summary>
    private static unsafe bool HasMarkBehindDurable(Journal journal)
    {
        var control = journal.State.Control!;
        var tail = Volatile.Read(ref *control.Tail);
        return new JournalPlace(control.SegmentOf(tail), TailWord.Position(tail)) > control.GetDurable().Place;
    }

    /// <summary>Claims room and stops there, until it is told to go on.</summary>
    private sealed class StoppedWriter : IDisposable
    {
        private readonly JournalState _state;
        private readonly ClaimCursor _cursor;
        private readonly ulong _claim;
        private readonly long _timestamp;

        public StoppedWriter(JournalState state)
        {
            _state = state;
            state.Keep();
            _cursor = new ClaimCursor(state);
            _claim = _cursor.Claim(RecordLayout.Size(0), 1, out _timestamp);
        }

        /// <summary>Up to where the journal is durable.</summary>
        public JournalPlace Durable => _state.Control!.GetDurable().Place;

        /// <summary>Completes when something was appended that is no record of a user: the mark.</summary>
        public async Task WaitForMarkAsync()
        {
            while (!HasMark())
            {
                TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
                await Task.Yield();
            }
        }

        public unsafe void GoOn()
        {
            _cursor.Publish(_cursor.Start + TailWord.Position(_claim), RecordLayout.Word(RecordKind.Data, 0), _timestamp,
                _cursor.FirstSequence + TailWord.Count(_claim));
            _cursor.Complete(_claim, RecordLayout.Size(0), 1);
        }

        public void Dispose()
        {
            _cursor.Dispose();
            _state.Release();
        }

        private unsafe bool HasMark()
        {
            var record = _cursor.Start + TailWord.Position(_claim) + RecordLayout.Size(0);
            var next = record + RecordLayout.Size(RecordLayout.Word(record));
            return RecordLayout.Kind(RecordLayout.Word(next)) == RecordKind.Mark;
        }
    }
}
