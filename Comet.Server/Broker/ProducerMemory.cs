namespace Comet.Server.Broker;

/// <summary>What a partition remembers of a producer's name, attached or not: enough to tell a duplicate and to confirm it with
/// the offsets of the first one.</summary>
internal sealed class ProducerMemory(string name)
{
    /// <summary>How many batches a duplicate can be confirmed with the offset of: more than a client has in flight.</summary>
    public const int RememberedBatches = 32;

    private readonly (long BaseSequence, int Count, long BaseOffset)[] _recent = new (long, int, long)[RememberedBatches];
    private int _next;

    public string Name { get; } = name;

    /// <summary>The highest sequence id that is stored; -1 when there is none.</summary>
    public long LastSequence { get; private set; } = -1;

    /// <summary>The sequence id that must come next; -1 while nothing is stored and the producer has not said where it begins.</summary>
    public long NextSequence { get; set; } = -1;

    /// <summary>Counts the producers that have had this name.</summary>
    public long Epoch { get; set; }

    /// <summary>Who has the name now.</summary>
    public Producer? Holder { get; set; }

    /// <summary>When the name was last used, to forget the longest unused first.</summary>
    public long LastUsed { get; set; }

    public void Remember(long baseSequence, int count, long baseOffset)
    {
        LastSequence = baseSequence + count - 1;
        NextSequence = LastSequence + 1;
        _recent[_next] = (baseSequence, count, baseOffset);
        _next = (_next + 1) % RememberedBatches;
    }

    /// <summary>Where a batch that is stored already has gone; -1 when that is no longer known.</summary>
    public long FindOffset(long baseSequence, int count)
    {
        foreach (var batch in _recent)
        {
            if (batch.Count == count && batch.BaseSequence == baseSequence)
                return batch.BaseOffset;
        }
        return -1;
    }
}
