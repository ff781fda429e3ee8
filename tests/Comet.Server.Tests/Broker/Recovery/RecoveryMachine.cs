using Comet.Server.Broker;
using Comet.Server.Storage;
using Comet.Wire;

namespace Comet.Server.Tests.Broker;

/// <summary>A partition over any log, which is driven directly and can be killed, and what a scan of its whole log tells.</summary>
internal sealed class RecoveryMachine
{
    private const int MaxRecords = 1 << 20;

    private readonly Func<IPartitionLog> _log;
    private readonly Queue<PartitionCommand> _inbox = new();
    private ulong _lastId;

    public RecoveryMachine(Func<IPartitionLog> log, PartitionSettings settings)
    {
        (_log, Settings) = (log, settings);
        Partition = Open();
    }

    public PartitionSettings Settings { get; }

    public Partition Partition { get; private set; }

    public IPartitionLog Log => _log();

    public FakePeer Peer { get; } = new();

    /// <summary>Microseconds.</summary>
    public long Now { get; set; } = 1_000_000;

    /// <summary>Whether what is appended becomes durable.</summary>
    public bool Commits { get; set; } = true;

    public long Epoch { get; set; } = 1;

    /// <summary>How much each message has.</summary>
    public int Padding { get; init; } = 20;

    /// <summary>The process is gone, and another one begins with what there is.</summary>
    public void Restart()
    {
        _inbox.Clear();
        Partition = Open();
        Handle(new(CommandKind.Wake));
    }

    public void Publish(string name, int count, Func<int, (long Due, string? Key)> message)
    {
        var producer = new Producer(new FakePeer(), 1, name, ProducerAccessMode.Shared, null);
        Handle(new(CommandKind.AttachProducer) { Producer = producer });
        var sequence = ((FakePeer)producer.Peer).Single<ProducerReadyFrame>().LastSequenceId + 1;
        var batch = Batches.MakeDelayed(name, sequence, [.. Enumerable.Range(0, count).Select(message)], padding: Padding);
        Handle(new(CommandKind.Publish)
        {
            Producer = producer, Batch = batch, Header = RecordBatch.Open(batch), CorrelationId = ++_lastId,
        });
        Handle(new(CommandKind.DetachProducer) { Producer = producer });
    }

    public void Ask(ScheduleRequest request) => Handle(new(CommandKind.Schedule) { Detail = request, CorrelationId = ++_lastId });

    public void Handle(PartitionCommand command)
    {
        Step(command);
        while (_inbox.TryDequeue(out var next))
            Step(next);
    }

    /// <summary>What the whole log tells, with what was saved beside it.</summary>
    public (ProducerTable Producers, DelayIndex Delays) Scan()
    {
        var (log, delays) = (Log, new DelayIndex(new ScheduleBudget(long.MaxValue)));
        var producers = new ProducerTable(int.MaxValue, long.MaxValue / 4);
        var schedules = new PartitionSchedules(log, null!, delays, null!, MaxRecords);
        PartitionRecovery.Run(new Unkept(log), Settings.Store!.Load() with { Point = null }, producers, schedules, Now);
        return (producers, delays);
    }

    private void Step(in PartitionCommand command)
    {
        Partition.Handle(command, Now);
        if (Commits && Partition.NeedsCommit)
            Partition.CommitAsync(CancellationToken.None).AsTask().GetAwaiter().GetResult();
        Partition.Advance(Now);
    }

    private Partition Open() => new("t", 0, _log(), new FencingToken(Epoch), Settings) { Inbox = _inbox.Enqueue };

    /// <summary>A log that is only looked at.</summary>
    private sealed class Unkept(IPartitionLog log) : IPartitionLog
    {
        public long StartOffset => log.StartOffset;

        public long StableOffset => log.StableOffset;

        public long EndOffset => log.EndOffset;

        public long Bytes => log.Bytes;

        public Durability Durability { get => log.Durability; set => throw new NotSupportedException(); }

        public string NoRoom => log.NoRoom;

        public bool HoldsBack => log.HoldsBack;

        public long ReachedOffset(Durability level) => log.ReachedOffset(level);

        public bool TryAppend(FencingToken fence, ReadOnlySpan<byte> batch, in RecordBatchHeader header, long appendTime) =>
            throw new NotSupportedException();

        public ValueTask CommitAsync(FencingToken fence, CancellationToken cancellationToken) => throw new NotSupportedException();

        public bool TryRead(long offset, out StoredBatch batch) => log.TryRead(offset, out batch);

        public bool TryReadKept(long offset, out StoredBatch batch) => log.TryReadKept(offset, out batch);

        public void Keep(long offset)
        {
        }

        public long FindByAppendTime(long time) => log.FindByAppendTime(time);

        public long BytesFrom(long offset) => log.BytesFrom(offset);

        public void TruncateBefore(FencingToken fence, long offset) => throw new NotSupportedException();

        public void Rest() => throw new NotSupportedException();

        public void Delete() => throw new NotSupportedException();
    }
}
