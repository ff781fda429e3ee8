namespace Comet.Journals.Tests.Reading;

public sealed class BlockingWaitTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData(JournalAccess.Shared)]
    [InlineData(JournalAccess.ReadOnly)]
    public async Task A_thread_that_sleeps_is_woken_by_each_record(JournalAccess access)
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
            var waiting = Waiting(reader, CancellationToken.None);
            writer.Append(new byte[500]);
            await waiting.WaitAsync(Patience);
            Assert.True(reader.TryRead(out var record));
            Assert.Equal(i, record.Sequence);
        }
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
    public async Task A_wait_can_be_cancelled_and_the_reader_goes_on()
    {
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path);
        using var writer = journal.CreateWriter();
        using var reader = journal.CreateReader();
        for (var i = 0; i < 50; i++)
        {
            using var cancelled = new CancellationTokenSource();
            var waiting = Waiting(reader, cancelled.Token);
            await cancelled.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.WaitAsync(Patience));
            Assert.ThrowsAny<OperationCanceledException>(() => reader.Wait(cancelled.Token));
        }

        var last = Waiting(reader, CancellationToken.None);
        writer.Append("x"u8);
        await last.WaitAsync(Patience);
        Assert.True(reader.TryRead(out _));
    }

    [Fact]
    public async Task Closing_the_journal_ends_a_wait()
    {
        using var directory = new TemporaryDirectory();
        var journal = Journal.Open(directory.Path);
        using var reader = journal.CreateReader();
        var waiting = Waiting(reader, CancellationToken.None);
        journal.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => waiting.WaitAsync(Patience));
    }

    [Fact]
    public async Task Threads_and_asynchronous_readers_wait_beside_each_other_and_all_are_woken()
    {
        const int Each = 8;
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path);
        using var writer = journal.CreateWriter();
        var readers = Enumerable.Range(0, 2 * Each).Select(_ => journal.CreateReader()).ToArray();
        for (var round = 0; round < 50; round++)
        {
            var waiting = readers.Select((reader, i) =>
                i % 2 == 0 ? Waiting(reader, CancellationToken.None) : reader.WaitAsync().AsTask()).ToArray();
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

    private static Task Waiting(JournalReader reader, CancellationToken cancellationToken) =>
        Task.Factory.StartNew(() => reader.Wait(cancellationToken), CancellationToken.None, TaskCreationOptions.LongRunning,
            TaskScheduler.Default);
}
