using Comet.Server.Broker;
using Comet.Server.Storage;
using Comet.Server.Storage.Local;
using Comet.Server.Storage.Memory;
using Comet.Server.Tests.Broker;
using Comet.Wire;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Comet.Server.Tests.Storage.Local;

/// <summary>Reading ahead of consumers that are behind, on another thread. The test is that thread, so it decides how slow the disk
/// is.</summary>
public sealed class ReadAheadTests : IDisposable
{
    private const int Padding = 10_000;
    private const int BatchesOfTwoPieces = 60;

    private static readonly FencingToken s_fence = new(7);

    private readonly TemporaryFolder _folder = new();
    private readonly FakeRecord _record = new() { IsDiskHeld = true };
    private readonly MemoryBudget _memory = new(MemoryBudget.MinSlabSize);
    private LocalPartitionLog _log;

    public ReadAheadTests() => _log = Open(_record);

    public void Dispose()
    {
        _log.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void All_is_read_in_order_and_a_piece_ahead_of_who_takes_it()
    {
        const int Count = 200;
        Fill(Count);
        var waits = 0;
        for (var offset = 0; offset < Count; offset++)
        {
            if (!_log.TryPrepare(offset))
            {
                waits++;
                Assert.Equal(waits, _log.Misses);
                RunDisk();
                Assert.True(_log.TryPrepare(offset));
            }
            AssertReads(offset);
            // While a piece is taken, the disk has its time for the next one.
            RunDisk();
        }
        Assert.Equal(1, waits);
        Assert.True(_record.Fills > Count * Padding / ReadAhead.PieceLength / 2);
    }

    [Fact]
    public void Who_comes_before_the_piece_is_there_waits_for_it_and_no_second_one_is_read()
    {
        Fill(BatchesOfTwoPieces);
        Assert.False(_log.TryPrepare(0));
        Assert.False(_log.TryPrepare(0));
        Assert.Single(_record.Waiting);
        RunDisk();
        Assert.True(_log.TryPrepare(0));
        var offset = 0;
        for (; _log.TryPrepare(offset); offset++)
            AssertReads(offset);
        Assert.Single(_record.Waiting);
        Assert.InRange(offset, 10, BatchesOfTwoPieces - 1);
        RunDisk();
        Assert.True(_log.TryPrepare(offset));
        AssertReads(offset);
    }

    [Fact]
    public void What_is_dropped_while_it_is_read_is_not_given_out()
    {
        Fill(BatchesOfTwoPieces);
        Assert.False(_log.TryPrepare(3));
        _log.TruncateBefore(s_fence, 40);
        RunDisk();
        // Who asked for 3 asks for the first that is kept.
        while (!_log.TryPrepare(3))
            RunDisk();
        Assert.True(_log.TryRead(3, out var batch));
        Assert.Equal(40, batch.BaseOffset);
        AssertReads(41);
    }

    [Fact]
    public void A_log_that_is_closed_meanwhile_tells_nobody_and_gets_its_memory_back()
    {
        Fill(BatchesOfTwoPieces);
        Assert.False(_log.TryPrepare(0));
        _log.Dispose();
        RunDisk();
        Assert.Equal((0, 0), (_record.Fills, (int)_record.ReadAheadBudget.Used));
    }

    [Fact]
    public void A_log_that_rests_gives_the_memory_back_and_goes_on_later()
    {
        Fill(BatchesOfTwoPieces);
        Assert.False(_log.TryPrepare(0));
        RunDisk();
        _log.Rest();
        Assert.False(_log.IsOpen);
        Assert.Equal(0, _record.ReadAheadBudget.Used);
        Assert.False(_log.TryPrepare(0));
        RunDisk();
        AssertReads(0);
    }

    [Fact]
    public void More_places_than_there_are_readers_take_turns_and_none_is_left_out()
    {
        const int Places = 7;
        Fill(120, 60_000);
        var at = Enumerable.Range(0, Places).Select(static i => i * 15).ToArray();
        for (var pass = 0; pass < 2_000 && at.Any(static offset => offset < 110); pass++)
        {
            // Those that come last have the readers at first.
            for (var turn = 0; turn < Places; turn++)
            {
                var i = pass == 0 ? Places - 1 - turn : turn;
                for (; at[i] < 110 && _log.TryPrepare(at[i]); at[i]++)
                    AssertReads(at[i]);
            }
            if (_record.Waiting.TryDequeue(out var work))
                work();
        }
        Assert.All(at, static offset => Assert.Equal(110, offset));
        // 70; it is 96 when what was read for one is thrown out by another that comes before it.
        Assert.InRange(_record.Fills, 1, 80);
        Assert.InRange(_record.ReadAheadBudget.Used, 1, 4 * 2 * ReadAhead.PieceLength);
    }

    [Fact]
    public void Without_memory_for_it_batches_are_read_when_they_are_wanted()
    {
        _log.Dispose();
        var record = new FakeRecord { IsDiskHeld = true, ReadAheadBudget = new MemoryBudget(ReadAhead.PieceLength) };
        _log = Open(record);
        Fill(20);
        for (var offset = 0; offset < 20; offset++)
        {
            Assert.True(_log.TryPrepare(offset));
            AssertReads(offset);
        }
        Assert.Empty(record.Waiting);
        Assert.Equal(0, record.ReadAheadBudget.Used);
    }

    [Fact]
    public void A_place_that_moves_has_nothing_left_of_where_it_was()
    {
        _log.Dispose();
        var record = new FakeRecord { IsDiskHeld = true, ReadAheadBudget = new MemoryBudget(3 * ReadAhead.PieceLength) };
        _log = Open(record);
        Fill(BatchesOfTwoPieces);
        foreach (var offset in (int[])[0, 40])
        {
            Assert.False(_log.TryPrepare(offset));
            record.Waiting.Dequeue()();
            Assert.True(_log.TryPrepare(offset));
        }
        AssertReads(40);
        Assert.False(_log.TryPrepare(30));
    }

    [Fact]
    public void A_batch_that_is_larger_than_a_piece_is_one_of_its_own()
    {
        Append(1, 100);
        Append(1, 2 * ReadAhead.PieceLength);
        Append(1, 100);
        Fill(5);
        for (var offset = 0; offset < 6; offset++)
        {
            while (!_log.TryPrepare(offset))
                RunDisk();
            AssertReads(offset);
        }
    }

    [Fact]
    public void Damage_is_told_to_the_owner_and_not_to_the_thread_that_has_found_it()
    {
        Fill(BatchesOfTwoPieces);
        var first = Directory.EnumerateFiles(_folder["partition"], "*.journal").Order(StringComparer.Ordinal).First();
        using (var file = new FileStream(first, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
        {
            file.Position = 30_000;
            file.Write("damaged"u8);
        }
        Assert.False(_log.TryPrepare(0));
        RunDisk();
        Assert.Equal(1, _record.Fills);
        var damage = Assert.ThrowsAny<Exception>(() =>
        {
            for (var offset = 0; offset < 10; offset++)
            {
                if (!_log.TryPrepare(offset))
                    RunDisk();
            }
        });
        Assert.Contains("damaged", damage.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_slow_disk_keeps_neither_the_owner_nor_other_consumers_nor_producers()
    {
        Fill(BatchesOfTwoPieces);
        using var actor = new PartitionActor(
            new Partition("t", 0, _log, s_fence, new PartitionSettings()), new FakeTimeProvider(), NullLogger.Instance);
        var behind = Attach(actor, "behind", StartPosition.Earliest);
        Assert.Empty(behind.Sent);
        var atTheEnd = Attach(actor, "at the end", StartPosition.Latest);
        var producer = new Producer(new FakePeer(), 9, "p", ProducerAccessMode.Shared, actor) { Durability = Durability.Os };
        actor.Post(new(CommandKind.AttachProducer) { Producer = producer, CorrelationId = 1 });
        ((FakePeer)producer.Peer).TakeAll();
        var batch = Batches.Make("p", 0, 1);
        _log.Durability = Durability.Os;
        actor.Post(new(CommandKind.Publish)
        {
            Producer = producer, CorrelationId = 7, Batch = batch, Header = RecordBatch.Open(batch),
        });
        Assert.Single(atTheEnd.Take<DeliverFrame>());
        Assert.Equal(BatchesOfTwoPieces, ((FakePeer)producer.Peer).Single<PublishedFrame>().BaseOffset);
        Assert.Empty(behind.Sent);
        while (_record.Waiting.Count > 0)
        {
            RunDisk();
            actor.Post(new(CommandKind.Fetched));
        }
        Assert.Equal(BatchesOfTwoPieces + 1, behind.Take<DeliverFrame>().Count);
    }

    private static FakePeer Attach(PartitionActor actor, string subscription, StartPosition start)
    {
        var peer = new FakePeer();
        var consumer = new Consumer(peer, 5, subscription, actor);
        actor.Post(new(CommandKind.AttachConsumer)
        {
            Consumer = consumer, CorrelationId = 3,
            Detail = new AttachRequest(subscription, SubscriptionType.Shared, SubscriptionKind.Durable, start),
        });
        peer.TakeAll();
        actor.Post(new(CommandKind.Permits) { Consumer = consumer, Number = 1_000, Bytes = 100_000_000 });
        return peer;
    }

    private LocalPartitionLog Open(FakeRecord record) => new(
        _folder["partition"], new LocalStorageOptions { Directory = _folder.Path, MaxSegmentLength = 128 * 1024 }, _memory, record);

    /// <summary>Appends batches of one message, and some that push them out of memory; all is durable.</summary>
    private void Fill(int count, int padding = Padding)
    {
        for (var i = 0; i < count; i++)
            Append(1, padding);
        Assert.True(_log.CommitAsync(s_fence, CancellationToken.None).AsTask().Wait(TimeSpan.FromSeconds(20)));
    }

    private void Append(int count, int padding)
    {
        var batch = Batches.Make("p", _log.EndOffset, count, padding);
        Assert.True(_log.TryAppend(s_fence, batch, RecordBatch.Open(batch), 1));
    }

    private void AssertReads(long offset)
    {
        Assert.True(_log.TryRead(offset, out var batch));
        var (found, text) = Assert.Single(Batches.Read(batch.Bytes.ToArray()));
        Assert.Equal(offset, found);
        Assert.StartsWith(FormattableString.Invariant($"m{offset}"), text, StringComparison.Ordinal);
    }

    private void RunDisk()
    {
        while (_record.Waiting.TryDequeue(out var work))
            work();
    }
}
