using System.Diagnostics.CodeAnalysis;

namespace Comet.Client.Consuming;

/// <summary>What has arrived and was not taken, partition by partition: each takes its turn with one batch, so that a busy partition or
/// topic does not keep the others waiting. Bounded by the permits: the broker sends no more than they let it.</summary>
internal sealed class ArrivalQueue
{
    private readonly Queue<PartitionConsumer> _turns = new();

    public bool IsEmpty => _turns.Count == 0;

    public void Add(ReceivedBatch batch)
    {
        batch.Partition.Arrived.Enqueue(batch);
        if (batch.Partition.Arrived.Count == 1)
            _turns.Enqueue(batch.Partition);
    }

    /// <summary>The batch whose turn it is. It stays until all of it is taken, so that whoever waits sees what another reader of the
    /// stream has left. Batches of attachments that have ended are dropped: their messages come again.</summary>
    public bool TryPeek([NotNullWhen(true)] out ReceivedBatch? batch)
    {
        while (_turns.TryPeek(out var partition))
        {
            while (partition.Arrived.TryPeek(out batch) && partition.IsStale(batch))
                partition.Arrived.Dequeue();
            if (batch is not null)
                return true;
            _turns.Dequeue();
        }
        batch = null;
        return false;
    }

    /// <summary>Takes out the batch that <see cref="TryPeek"/> has found; the next partition has its turn.</summary>
    public void Dequeue()
    {
        var partition = _turns.Dequeue();
        partition.Arrived.Dequeue();
        if (partition.Arrived.Count > 0)
            _turns.Enqueue(partition);
    }

    public void Clear()
    {
        while (_turns.TryDequeue(out var partition))
            partition.Arrived.Clear();
    }
}
