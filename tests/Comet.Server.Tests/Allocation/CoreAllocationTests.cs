using System.Buffers.Binary;
using Comet.Server.Broker;
using Comet.Server.Storage;
using Comet.Server.Storage.Memory;
using Comet.Wire;

namespace Comet.Server.Tests.Allocation;

/// <summary>A partition in its steady state, where the memory is full and is given back as it is acked: publishing, confirming,
/// delivering, acking and trimming allocate nothing for a message or a batch, and for each slab of memory that is taken into use the
/// 32 bytes of the object that keeps its account.</summary>
[Collection(nameof(AllocationTests))]
public sealed class CoreAllocationTests
{
    private const int PerBatch = 100;
    private const int SlabObject = 32;

    [Theory]
    [InlineData(SubscriptionType.Exclusive, 1, 1_000_000)]
    [InlineData(SubscriptionType.Shared, 4, 1_000_000)]
    // Permits of odd size: every delivery is cut.
    [InlineData(SubscriptionType.Shared, 3, 37)]
    public void Publishing_delivering_and_acking_allocates_nothing_for_a_message(SubscriptionType type, int consumers, int permits)
    {
        using var run = new Run(type, consumers);
        run.Batches(4000, permits);
        var used = run.Budget.Used;
        AssertOnlySlabs(run, () => run.Batches(2000, permits));
        Assert.Equal(used, run.Budget.Used);
        Assert.Equal((10_000 * PerBatch, 10_000), (run.Peer.Delivered, run.Peer.Published));
    }

    [Fact]
    public void Nacks_and_redelivery_allocate_nothing_for_a_message()
    {
        using var run = new Run(SubscriptionType.Shared, 2);
        run.Nacks(2000);
        AssertOnlySlabs(run, () => run.Nacks(2000));
    }

    private static void AssertOnlySlabs(Run run, Action act)
    {
        // A collection retires the rest of the thread's allocation buffer and counts it; the least of three rounds is without one.
        var least = long.MaxValue;
        for (var round = 0; round < 3; round++)
        {
            var published = run.PublishedBytes;
            var before = GC.GetAllocatedBytesForCurrentThread();
            act();
            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            least = Math.Min(least, allocated - (SlabObject * (((run.PublishedBytes - published) / run.Budget.SlabSize) + 2)));
        }
        Assert.True(least <= 0, $"{least} bytes more than the slabs take.");
    }

    private sealed class Run : IDisposable
    {
        private readonly Partition _partition;
        private readonly MemoryPartitionLog _log;
        private readonly Producer _producer;
        private readonly Consumer[] _consumers;
        private readonly byte[] _batch = Broker.Batches.Make("p", 0, PerBatch, 100);
        private readonly long[] _range = new long[2];
        private long _sequence;
        private ulong _correlationId;

        public Run(SubscriptionType type, int consumers)
        {
            _log = new MemoryPartitionLog(Budget, long.MaxValue);
            _partition = new Partition("t", 0, _log, new FencingToken(1), new PartitionSettings());
            _producer = new Producer(Peer, 1, "p", ProducerAccessMode.Shared, null);
            Do(new(CommandKind.AttachProducer) { Producer = _producer });
            _consumers = [.. Enumerable.Range(0, consumers).Select(i => new Consumer(Peer, 10 + i, $"c{i}", null))];
            var request = new AttachRequest("s", type, SubscriptionKind.Durable, StartPosition.Earliest);
            foreach (var consumer in _consumers)
                Do(new(CommandKind.AttachConsumer) { Consumer = consumer, Detail = request });
        }

        public MemoryBudget Budget { get; } = new(8 * 1024 * 1024);

        public long PublishedBytes { get; private set; }

        public CountingPeer Peer { get; } = new();

        public void Batches(int count, int permits)
        {
            for (var i = 0; i < count; i++)
            {
                Publish();
                while (Peer.Delivered < _sequence)
                    Permit(permits);
                Ack(_sequence - 1);
            }
        }

        public void Nacks(int count)
        {
            for (var i = 0; i < count; i++)
            {
                var before = Peer.Delivered;
                Publish();
                Permit(PerBatch);
                (_range[0], _range[1]) = (_sequence - PerBatch, _sequence - (PerBatch / 2) - 1);
                foreach (var consumer in _consumers)
                    Do(new(CommandKind.Nack) { Consumer = consumer, Ranges = _range });
                while (Peer.Delivered < before + (PerBatch * 3 / 2))
                    Permit(10);
                Ack(_sequence - 1);
            }
        }

        public void Dispose() => _partition.Dispose();

        private void Publish()
        {
            BinaryPrimitives.WriteInt64LittleEndian(_batch.AsSpan(56), _sequence);
            RecordBatch.WriteChecksum(_batch);
            _sequence += PerBatch;
            PublishedBytes += _batch.Length;
            Do(new(CommandKind.Publish) { Producer = _producer, Batch = _batch, Header = RecordBatch.Open(_batch) });
        }

        private void Permit(int permits)
        {
            foreach (var consumer in _consumers)
                Do(new(CommandKind.Permits) { Consumer = consumer, Number = permits, Bytes = 1 << 30 });
        }

        private void Ack(long upTo)
        {
            (_range[0], _range[1]) = (0, upTo);
            Do(new(CommandKind.Ack) { Consumer = _consumers[0], Ranges = _range });
        }

        private void Do(in PartitionCommand command)
        {
            _partition.Handle(command with { CorrelationId = ++_correlationId }, 1_000_000);
            if (_partition.NeedsCommit)
                Assert.True(_partition.CommitAsync(CancellationToken.None).AsTask().IsCompletedSuccessfully);
            _partition.Advance(1_000_000);
        }
    }

    /// <summary>A connection that only counts.</summary>
    internal sealed class CountingPeer : IPeer
    {
        public long Delivered { get; private set; }

        public long Published { get; private set; }

        public bool HasSpace => true;

        public void Send<TFrame>(in TFrame frame, ulong correlationId = 0, ReadOnlyMemory<byte> payload = default)
            where TFrame : struct, IFrame<TFrame>
        {
            if (typeof(TFrame) == typeof(DeliverFrame))
                Delivered += BinaryPrimitives.ReadInt32LittleEndian(payload.Span[40..]);
            else if (typeof(TFrame) == typeof(PublishedFrame))
                Published++;
            else if (typeof(TFrame) == typeof(ErrorFrame))
                Assert.Fail($"{frame}");
        }

        public void PublishAnswered(int bytes)
        {
        }

        public void Forget(Producer producer)
        {
        }

        public void Forget(Consumer consumer)
        {
        }
    }
}
