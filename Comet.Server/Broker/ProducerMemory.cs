using System.Text;
using Comet.Server.Storage;
using Comet.Wire;

namespace Comet.Server.Broker;

/// <summary>What a partition remembers of a producer's name, attached or not: enough to tell a duplicate and to find the first one. All of
/// it follows from the batches in the log (<see cref="ProducerTable.Recover"/>).</summary>
internal sealed class ProducerMemory(string name)
{
    /// <summary>How many batches are remembered with their place: more than a client has in flight.</summary>
    public const int RememberedBatches = 32;

    /// <summary>The most batches that are looked at for an older one: an old duplicate must not stop a partition.</summary>
    public const int MaxSearchedBatches = 65_536;

    private const int MaxMarks = 32;

    private readonly (long BaseSequence, int Count, long BaseOffset)[] _recent = new (long, int, long)[RememberedBatches];
    private readonly (long BaseSequence, long BaseOffset)[] _marks = new (long, long)[MaxMarks];
    private int _next;
    private int _markCount;
    private int _batchesPerMark = 1;
    private int _sinceMark;

    /// <summary>Goes on from what <see cref="Save"/> has told.</summary>
    public ProducerMemory(ProducerState state)
        : this(state.Name)
    {
        foreach (var (baseSequence, count, baseOffset) in state.Recent)
            Remember(baseSequence, count, baseOffset);
        for (_markCount = 0; _markCount < Math.Min(MaxMarks, state.Marks.Count); _markCount++)
            _marks[_markCount] = (state.Marks[_markCount].BaseSequence, state.Marks[_markCount].BaseOffset);
        (_batchesPerMark, _sinceMark, LastUsed) = (Math.Max(1, state.BatchesPerMark), state.SinceMark, state.LastUsed);
    }

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
        if (_sinceMark++ % _batchesPerMark == 0)
            Mark(baseSequence, baseOffset);
    }

    /// <summary>What has to be kept of it.</summary>
    /// <param name="lastUsed">When the name was last used.</param>
    public ProducerState Save(long lastUsed)
    {
        var recent = new List<SequenceRun>(RememberedBatches);
        for (var i = 0; i < RememberedBatches; i++)
        {
            if (_recent[(_next + i) % RememberedBatches] is { Count: > 0 } batch)
                recent.Add(new(batch.BaseSequence, batch.Count, batch.BaseOffset));
        }
        var marks = new SequenceMark[_markCount];
        for (var i = 0; i < marks.Length; i++)
            marks[i] = new(_marks[i].BaseSequence, _marks[i].BaseOffset);
        return new(Name, lastUsed, recent, marks) { BatchesPerMark = _batchesPerMark, SinceMark = _sinceMark };
    }

    /// <summary>Where messages that are stored already have gone; -1 when they were stored apart, or are older than
    /// <see cref="RememberedBatches"/> and the log has them no more or too far away.</summary>
    public long FindOffset(long baseSequence, int count, IPartitionLog log)
    {
        var first = Locate(baseSequence, log);
        return first >= 0 && (count == 1 || Locate(baseSequence + count - 1, log) == first + count - 1) ? first : -1;
    }

    private long Locate(long sequence, IPartitionLog log)
    {
        foreach (var (baseSequence, count, baseOffset) in _recent)
        {
            if (sequence >= baseSequence && sequence < baseSequence + count)
                return baseOffset + sequence - baseSequence;
        }
        var at = log.StartOffset;
        for (var i = 0; i < _markCount && _marks[i].BaseSequence <= sequence; i++)
            at = Math.Max(at, _marks[i].BaseOffset);
        for (var searched = 0; searched < MaxSearchedBatches && log.TryRead(at, out var batch); searched++, at = batch.LastOffset + 1)
        {
            var header = batch.Header;
            if (!Ascii.Equals(batch.Bytes.Span.Slice(RecordBatchHeader.Size, header.ProducerNameLength), Name))
                continue;
            if (sequence < header.BaseSequence)
                return -1;
            if (sequence < header.BaseSequence + header.RecordCount)
                return header.BaseOffset + sequence - header.BaseSequence;
        }
        return -1;
    }

    /// <summary>Keeps a few places over all of the name's batches; when there are too many, every second one goes.</summary>
    private void Mark(long baseSequence, long baseOffset)
    {
        if (_markCount == MaxMarks)
        {
            for (var i = 0; i < MaxMarks / 2; i++)
                _marks[i] = _marks[2 * i];
            _markCount = MaxMarks / 2;
            _batchesPerMark *= 2;
        }
        _marks[_markCount++] = (baseSequence, baseOffset);
    }
}
