namespace Comet.Journals.Tests.Reading;

public sealed class WaitingTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData(JournalAccess.Shared, false)]
    [InlineData(JournalAccess.Shared, true)]
    [InlineData(JournalAccess.ReadOnly, false)]
    [InlineData(JournalAccess.ReadOnly, true)]
    public async Task A_reader_that_sleeps_is_woken_by_each_record(JournalAccess access, bool onThread)
    {
        const int Count = 300;
        using var directory = new TemporaryDirectory();
        var options = new JournalOptions { FirstSegmentLength = 16 * 1024, MaxSegmentLength = 16 * 1024 };
        using var journal = Journal.Open(directory.Path, options);
        using var other = Journal.Open(directory.Path, options with { Access = access });
        using var writer = journal.CreateWriter();
        using var reader = other.CreateReader();
        for (var i = 0; i < Count; i++)
        {
            var waiting = Start(reader, onThread);
            Assert.False(waiting.IsCompleted);
            writer.Append(new byte[500]);
            await waiting.WaitAsync(Patience);
            Assert.True(reader.TryRead(out var record));
            Assert.Equal(i, record.Sequence);
        }
    }

    [Fact]
    public async Task Who_is_asleep_is_woken_and_does_not_just_look_again_after_a_while()
    {
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path);
        using var other = Journal.Open(directory.Path);
        using var writer = journal.CreateWriter();
        using var reader = other.CreateReader();
        const int Rounds = 30;
        var soon = 0;
        for (var i = 0; i < Rounds; i++)
        {
            SayThatSomebodySleeps(journal, false);
            var waiting = reader.WaitAsync().AsTask();
            Assert.True(SpinWait.SpinUntil(() => SaysThatSomebodySleeps(journal), Patience));
            // From saying so to sleep are some microseconds; nothing tells when they are over. To look again are 40 ms.
            await Task.Delay(TimeSpan.FromMilliseconds(3), TimeProvider.System);
            var started = TimeProvider.System.GetTimestamp();
            writer.Append("x"u8);
            await waiting.WaitAsync(Patience);
            soon += TimeProvider.System.GetElapsedTime(started) < TimeSpan.FromMilliseconds(20) ? 1 : 0;
            Assert.True(reader.TryRead(out _));
        }

        // On a busy machine some are late, and some had not quite fallen asleep.
        Assert.True(soon >= Rounds / 2, $"Of {Rounds} wakes {soon} came soon.");
    }

    [Fact]
    public async Task Many_readers_wait_on_one_thread_and_all_are_woken()
    {
        const int Readers = 200;
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path);
        using var writer = journal.CreateWriter();
        var readers = Enumerable.Range(0, Readers).Select(_ => journal.CreateReader()).ToArray();
        for (var round = 0; round < 20; round++)
        {
            var waiting = readers.Select(reader => reader.WaitAsync().AsTask()).ToArray();
            writer.Append(BitConverter.GetBytes(round));
            await Task.WhenAll(waiting).WaitAsync(Patience);
            Assert.All(readers, reader =>
            {
                Assert.True(reader.TryRead(out var record));
                Assert.Equal(round, record.Sequence);
            });
        }

        foreach (var reader in readers)
            reader.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_wait_can_be_cancelled_and_the_reader_goes_on(bool onThread)
    {
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path);
        using var writer = journal.CreateWriter();
        using var reader = journal.CreateReader();
        for (var i = 0; i < 50; i++)
        {
            using var cancelled = new CancellationTokenSource();
            var waiting = Start(reader, onThread, cancelled.Token);
            await cancelled.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.WaitAsync(Patience));
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Start(reader, onThread, cancelled.Token));
        }

        var last = Start(reader, onThread);
        writer.Append("x"u8);
        await last.WaitAsync(Patience);
        Assert.True(reader.TryRead(out _));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Closing_the_journal_ends_a_wait(bool onThread)
    {
        using var directory = new TemporaryDirectory();
        var journal = Journal.Open(directory.Path);
        using var reader = journal.CreateReader();
        var waiting = Start(reader, onThread);
        journal.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => waiting.WaitAsync(Patience));
    }

    [Fact]
    public void A_record_that_is_there_is_not_waited_for()
    {
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path);
        using var writer = journal.CreateWriter();
        using var reader = journal.CreateReader();
        writer.Append("x"u8);
        reader.Wait(new CancellationToken(canceled: true));
        Assert.True(reader.TryRead(out _));
    }

    [Fact]
    public async Task Threads_and_asynchronous_readers_wait_beside_each_other_and_all_are_woken()
    {
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path);
        using var writer = journal.CreateWriter();
        var readers = Enumerable.Range(0, 16).Select(_ => journal.CreateReader()).ToArray();
        for (var round = 0; round < 50; round++)
        {
            var waiting = readers.Select(static (reader, i) => Start(reader, onThread: i % 2 == 0)).ToArray();
            writer.Append(BitConverter.GetBytes(round));
            await Task.WhenAll(waiting).WaitAsync(Patience);
            foreach (var reader in readers)
            {
                Assert.True(reader.TryRead(out var record));
                Assert.Equal(round, record.Sequence);
            }
        }

        foreach (var reader in readers)
            reader.Dispose();
    }

    [Fact]
    public async Task A_closed_journal_is_let_go_even_when_readers_have_waited()
    {
        using var directory = new TemporaryDirectory();
        for (var i = 0; i < 3; i++)
        {
            var options = new JournalOptions { Access = JournalAccess.Exclusive, OpenTimeout = Patience };
            using var journal = Journal.Open(directory.Path, options);
            using var writer = journal.CreateWriter();
            using var reader = journal.CreateReader(JournalStart.End);
            var waiting = reader.WaitAsync().AsTask();
            writer.Append("x"u8);
            await waiting.WaitAsync(Patience);
        }
    }

    [Fact]
    public async Task All_records_come_as_an_asynchronous_sequence()
    {
        const int Count = 5_000;
        using var directory = new TemporaryDirectory();
        var options = new JournalOptions { FirstSegmentLength = 64 * 1024, MaxSegmentLength = 64 * 1024 };
        using var journal = Journal.Open(directory.Path, options);
        using var reader = journal.CreateReader();
        var writing = Task.Run(async () =>
        {
            using var writer = journal.CreateWriter();
            for (var i = 0; i < Count; i++)
            {
                writer.Append(BitConverter.GetBytes(i));
                if (i % 100 == 0)
                    await Task.Yield();
            }
        });
        var expected = 0;
        using var patience = new CancellationTokenSource(Patience, TimeProvider.System);
        await foreach (var entry in reader.ReadAllAsync(patience.Token))
        {
            Assert.Equal(expected, entry.Sequence);
            Assert.Equal(expected, BitConverter.ToInt32(entry.Value.Span));
            if (++expected == Count)
                break;
        }

        await writing;
    }

    [Fact]
    public async Task A_reader_that_spins_sees_a_record_of_another_thread()
    {
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path);
        using var reader = journal.CreateReader();
        Assert.False(reader.TryRead(TimeSpan.FromMilliseconds(1), out _));
        var writing = Task.Run(() =>
        {
            using var writer = journal.CreateWriter();
            writer.Append("x"u8);
        });
        Assert.True(reader.TryRead(Patience, out var record));
        Assert.Equal("x"u8, record.Payload);
        await writing;
    }

    [Fact]
    public void Nobody_asleep_costs_the_writer_no_wake()
    {
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path);
        using var writer = journal.CreateWriter();
        using var reader = journal.CreateReader();
        var before = Wakes(journal);
        for (var i = 0; i < 1000; i++)
        {
            writer.Append("x"u8);
            Assert.True(reader.TryRead(out _));
        }

        Assert.Equal(before, Wakes(journal));
    }

    [Fact]
    public void Who_was_killed_asleep_costs_one_wake_and_not_one_for_each_append()
    {
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path);
        using var writer = journal.CreateWriter();
        SayThatSomebodySleeps(journal, true);
        var before = Wakes(journal);
        for (var i = 0; i < 1000; i++)
            writer.Append("x"u8);
        Assert.Equal(before + 1, Wakes(journal));
    }

    private static unsafe int Wakes(Journal journal) => Volatile.Read(ref *journal.State.Control!.Wake);

    private static unsafe bool SaysThatSomebodySleeps(Journal journal) => Volatile.Read(ref *journal.State.Control!.Waiters) != 0;

    private static unsafe void SayThatSomebodySleeps(Journal journal, bool isSo) =>
        Volatile.Write(ref *journal.State.Control!.Waiters, isSo ? 1 : 0);

    /// <summary>Begins a wait: on a thread of its own, or on none.</summary>
    private static Task Start(JournalReader reader, bool onThread, CancellationToken cancellationToken = default) => onThread
        ? Task.Factory.StartNew(() => reader.Wait(cancellationToken), CancellationToken.None, TaskCreationOptions.LongRunning,
            TaskScheduler.Default)
        : reader.WaitAsync(cancellationToken).AsTask();
}
