using System.Text;
using Comet.Server.Storage;
using Comet.Wire;

namespace Comet.Server.Broker;

/// <summary>Who may produce to a partition, and which batches are duplicates.</summary>
/// <param name="maxRemembered">How many names are remembered that have no producer.</param>
/// <param name="ttl">How long a name without a producer is remembered, in microseconds.</param>
/// <param name="bug">See <see cref="PlantedBug"/>.</param>
internal sealed class ProducerTable(int maxRemembered, long ttl, PlantedBug bug = PlantedBug.None)
{
    private const long BytesPerName = 400;

    private readonly Dictionary<string, ProducerMemory> _names = new(StringComparer.Ordinal);

    // Names without a producer, the longest unused first.
    private readonly LinkedList<ProducerMemory> _unused = new();
    private readonly Dictionary<ProducerMemory, LinkedListNode<ProducerMemory>> _unusedNodes = [];
    private readonly List<Producer> _attached = [];
    private readonly Queue<(Producer Producer, ulong CorrelationId)> _waiting = new();

    public int AttachedCount => _attached.Count;

    /// <summary>Attaches a producer, or lets it wait, or refuses it; the answer goes to its peer.</summary>
    public void Attach(Producer producer, ulong correlationId, long now)
    {
        Forget(now);
        // A namesake hands over the place it has: it is no other producer, and who follows it does not queue behind those that wait.
        var isNamesakeAttached = _names.TryGetValue(producer.Name, out var memory) && memory.Holder is not null;
        var others = _attached.Count > (isNamesakeAttached ? 1 : 0);
        var isBehindOthers = _waiting.Count > 0 && !isNamesakeAttached;
        if (producer.AccessMode == ProducerAccessMode.WaitForExclusive && (others || isBehindOthers))
        {
            _waiting.Enqueue((producer, correlationId));
            return;
        }
        var isRefused = producer.AccessMode == ProducerAccessMode.Shared
            ? isBehindOthers || (others && _attached[0].AccessMode != ProducerAccessMode.Shared)
            : others;
        if (!isRefused)
        {
            Admit(producer, correlationId, now);
            return;
        }
        producer.Peer.Forget(producer);
        producer.Peer.Fail(correlationId, ErrorCode.ProducerBusy, Busy(producer));
    }

    /// <summary>Detaches a producer, or ends its waiting; the next one that waits may be admitted.</summary>
    public void Detach(Producer producer, long now)
    {
        if (producer.Memory is { } memory)
        {
            memory.Holder = null;
            memory.LastUsed = now;
            producer.Memory = null;
            _attached.Remove(producer);
            _unusedNodes.Add(memory, _unused.AddLast(memory));
            Forget(now);
        }
        else
        {
            StopWaiting(producer);
        }
        producer.Peer.Forget(producer);
        while (_attached.Count == 0 && _waiting.TryDequeue(out var next))
            Admit(next.Producer, next.CorrelationId, now);
    }

    /// <summary>What is remembered of a name; null when it is not.</summary>
    public ProducerMemory? Find(string name) => _names.GetValueOrDefault(name);

    /// <summary>What has to be kept of all names under which something is stored.</summary>
    /// <param name="time">Now: attached names are in use.</param>
    public IReadOnlyList<ProducerState> Save(long time) =>
        [.. _names.Values.Where(static m => m.LastSequence >= 0).Select(m => m.Save(m.Holder is null ? m.LastUsed : time))];

    /// <summary>About how many bytes that takes when it is stored.</summary>
    public static long SizeOf(IReadOnlyList<ProducerState> saved) => saved.Count * BytesPerName;

    /// <summary>Fills an empty table with what was saved. Followed by the batches behind that and by <see cref="Recovered"/>.</summary>
    public void Restore(IReadOnlyList<ProducerState> saved)
    {
        foreach (var state in saved)
            _names[state.Name] = new ProducerMemory(state);
    }

    /// <summary>Takes in a batch of the log that an earlier process has stored. What was fenced and how often cannot be told from
    /// it.</summary>
    public void Recover(in StoredBatch batch)
    {
        var header = batch.Header;
        Span<char> name = stackalloc char[byte.MaxValue];
        var length = Encoding.ASCII.GetChars(batch.Bytes.Span.Slice(RecordBatchHeader.Size, header.ProducerNameLength), name);
        if (!_names.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(name[..length], out var memory))
            _names.Add(name[..length].ToString(), memory = new ProducerMemory(name[..length].ToString()));
        memory.Remember(header.BaseSequence, header.RecordCount, header.BaseOffset);
        memory.LastUsed = header.AppendTime;
    }

    /// <summary>The table is filled: nobody is attached, and what is over the limits is forgotten.</summary>
    public void Recovered(long now)
    {
        foreach (var memory in _names.Values.OrderBy(static m => m.LastUsed))
            _unusedNodes.Add(memory, _unused.AddLast(memory));
        Forget(now);
    }

    /// <summary>Whether a batch is the next one, a duplicate or out of order.</summary>
    /// <param name="memory">What is remembered of the producer's name.</param>
    /// <param name="header">The batch's.</param>
    /// <param name="follows">For ids with gaps: 2 more than the id that comes before the batch's first; 0 when there is no gap.</param>
    public static SequenceVerdict Judge(ProducerMemory memory, in RecordBatchHeader header, long follows = 0)
    {
        var last = header.BaseSequence + header.RecordCount - 1;
        if (header.BaseSequence < 0 || last < header.BaseSequence)
            return SequenceVerdict.OutOfOrder;
        // A broker that remembers nothing of the name takes the producer's word for where it stands, once.
        if (memory.NextSequence < 0 || header.BaseSequence == memory.NextSequence)
            return SequenceVerdict.Next;
        if (last <= memory.LastSequence)
            return SequenceVerdict.Duplicate;
        return follows != 0 && follows - 2 == memory.LastSequence && header.BaseSequence > memory.LastSequence
            ? SequenceVerdict.Next
            : SequenceVerdict.OutOfOrder;
    }

    /// <summary>Tells all producers that they are detached.</summary>
    public void CloseAll(ErrorCode code, string message)
    {
        foreach (var producer in _attached)
        {
            producer.Memory = null;
            producer.Peer.Forget(producer);
            producer.Peer.Send(new ProducerClosedFrame(producer.Id, code, message));
        }
        _attached.Clear();
        while (_waiting.TryDequeue(out var waiting))
        {
            waiting.Producer.Peer.Forget(waiting.Producer);
            waiting.Producer.Peer.Fail(waiting.CorrelationId, code, message);
        }
        _names.Clear();
        _unused.Clear();
        _unusedNodes.Clear();
    }

    private void Admit(Producer producer, ulong correlationId, long now)
    {
        if (!_names.TryGetValue(producer.Name, out var memory))
            _names.Add(producer.Name, memory = new ProducerMemory(producer.Name));
        if (memory.Holder is { } older)
            Fence(older);
        if (_unusedNodes.Remove(memory, out var node))
            _unused.Remove(node);
        if (bug == PlantedBug.DedupLost)
            _names[producer.Name] = memory = new ProducerMemory(producer.Name);
        memory.Holder = producer;
        memory.Epoch++;
        // What an earlier producer of the name was refused does not bind this one.
        memory.NextSequence = memory.LastSequence < 0 ? -1 : memory.LastSequence + 1;
        memory.LastUsed = now;
        producer.Memory = memory;
        _attached.Add(producer);
        producer.Peer.Send(new ProducerReadyFrame(producer.Id, memory.LastSequence, memory.Epoch), correlationId);
    }

    private void Fence(Producer older)
    {
        older.Memory!.Holder = null;
        older.Memory = null;
        _attached.Remove(older);
        older.Peer.Forget(older);
        older.Peer.Send(new ProducerClosedFrame(
            older.Id, ErrorCode.ProducerFenced,
                $"A newer producer named '{older.Name}' has taken over. Give each producer a name of its own."));
    }

    private void StopWaiting(Producer producer)
    {
        for (var left = _waiting.Count; left > 0; left--)
        {
            var waiting = _waiting.Dequeue();
            if (waiting.Producer != producer)
                _waiting.Enqueue(waiting);
        }
    }

    private void Forget(long now)
    {
        while (_unused.First?.Value is { } oldest && (_unused.Count > maxRemembered || oldest.LastUsed < now - ttl))
        {
            _unused.RemoveFirst();
            _unusedNodes.Remove(oldest);
            _names.Remove(oldest.Name);
        }
    }

    private string Busy(Producer producer) => producer.AccessMode == ProducerAccessMode.Shared
        ? "The topic has an exclusive producer, or one that waits to be; try again when it has gone."
        : $"The topic has {_attached.Count} other producer(s); exclusive access is for one alone. Use WaitForExclusive to wait for it.";
}

internal enum SequenceVerdict
{
    Next,
    Duplicate,
    OutOfOrder,
}
