using Comet.Client.Connections;
using Comet.Wire;

namespace Comet.Client.Producing;

/// <summary>Messages of one partition that travel and are confirmed together. Guarded by the producer's lock; used again and
/// again.</summary>
internal sealed class Batch(PartitionProducer partition, string producerName, int capacity) : IAnswerHandler
{
    private readonly List<(int Index, SendCompletion Completion)> _completions = [];

    public RecordBatchBuilder Builder { get; } = new(producerName, capacity);

    public IReadOnlyList<(int Index, SendCompletion Completion)> Completions => _completions;

    /// <summary>The sequence id of the first message; set when the batch is closed.</summary>
    public long BaseSequence { get; private set; }

    /// <summary>The id that the user gave the first message, where it is not the one that comes next.</summary>
    public long? GivenSequence { get; set; }

    /// <summary>Whether it takes no second message: a copy of what is stored is looked for one by one.</summary>
    public bool IsAlone { get; set; }

    /// <summary>What the broker is told that comes before this batch, see <see cref="PublishFrame"/>.</summary>
    public long Follows { get; private set; }

    /// <summary>The encoded batch; set when it is closed.</summary>
    public ReadOnlyMemory<byte> Bytes { get; private set; }

    public int Count => Builder.Count;

    /// <summary>What the messages take of the producer's limit.</summary>
    public long PendingBytes { get; private set; }

    /// <summary>Completes with the batch; null while nobody waits for that.</summary>
    public TaskCompletionSource? Done { get; set; }

    /// <summary>Books the record that was just added.</summary>
    public void Added(int recordLength, SendCompletion? completion)
    {
        PendingBytes += recordLength;
        if (completion is not null)
            _completions.Add((Builder.Count - 1, completion));
    }

    public void Close(long baseSequence, long follows, CompressionType compression)
    {
        (BaseSequence, Follows) = (baseSequence, follows);
        Bytes = Builder.Complete(baseSequence, compression);
    }

    /// <summary>Takes the completions out, so that each is completed once.</summary>
    public void TakeCompletions(List<(int Index, SendCompletion Completion)> target)
    {
        target.AddRange(_completions);
        _completions.Clear();
    }

    /// <summary>Takes out the completions of messages that were taken at <paramref name="before"/> or earlier.</summary>
    public void TakeOverdue(long before, List<SendCompletion> target)
    {
        // In the order of their messages, so the overdue ones stand in front.
        var overdue = _completions.FindIndex(c => c.Completion.Started > before) is >= 0 and var first ? first : _completions.Count;
        for (var i = 0; i < overdue; i++)
            target.Add(_completions[i].Completion);
        _completions.RemoveRange(0, overdue);
    }

    public void Reset()
    {
        Builder.Reset();
        Bytes = default;
        PendingBytes = 0;
        GivenSequence = null;
        IsAlone = false;
        Done = null;
    }

    public void OnAnswer(in RawFrame frame, HeaderCodec codec) => partition.OnAnswer(this, frame, codec);

    // The partition learns of a lost connection by itself, and sends the batch again over the next one.
    public void OnLost(CometException reason)
    {
    }
}
