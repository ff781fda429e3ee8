namespace Comet.Journals.Tests.SimulatedDisk;

/// <summary>What was appended and what was promised of it, and whether a journal that was opened after a crash keeps the
/// promises.</summary>
internal sealed class ExpectedJournal
{
    private readonly List<(long Sequence, byte[] Payload)> _records = [];
    private int _durable;
    private long _mayBeGone;
    private long _place = -1;
    private readonly HashSet<long> _places = [];

    /// <summary>How many records were confirmed as durable.</summary>
    public int Durable => _durable;

    public int Count => _records.Count;

    /// <summary>A record may be there from now on.</summary>
    public void Appending(long sequence, byte[] payload) => _records.Add((sequence, payload));

    /// <summary>The append got another sequence than was thought: a writer was killed before it.</summary>
    public void Appended(long sequence) => _records[^1] = (sequence, _records[^1].Payload);

    /// <summary>Nothing was appended after all.</summary>
    public void NotAppended() => _records.RemoveAt(_records.Count - 1);

    /// <summary>All that was appended has been confirmed as durable.</summary>
    public void Confirmed() => _durable = _records.Count;

    public void Truncating(long sequence) => _mayBeGone = Math.Max(_mayBeGone, sequence);

    /// <summary>A place is being committed.</summary>
    public void Committing(long place) => _places.Add(place);

    /// <summary>The place is safe.</summary>
    public void Committed(long place)
    {
        _place = place;
        _places.Clear();
        _places.Add(place);
    }

    /// <summary>A commit of the place failed: it may have been moved or not.</summary>
    public void PlaceIsUnknown()
    {
        if (_place >= 0)
            _places.Add(_place);
    }

    public long NextSequence => _records.Count > 0 ? _records[^1].Sequence + 1 : 0;

    /// <summary>Reads all of a journal and tells what promise is broken; null when none is.</summary>
    public string? Check(Journal journal, out int kept)
    {
        using var reader = journal.CreateReader();
        kept = 0;
        var index = -1;
        while (reader.TryRead(out var record))
        {
            var sequence = record.Sequence;
            if (index < 0)
            {
                index = Find(sequence);
                if (index < 0)
                    return $"The first record has sequence {sequence}, which was never given out.";
                if (sequence > _mayBeGone && index > 0)
                    return $"The records before {sequence} are gone, though only those before {_mayBeGone} may be.";
            }

            if (index >= _records.Count)
                return $"Record {sequence} is behind the last one, {NextSequence - 1}.";
            if (_records[index].Sequence != sequence)
                return $"Record {sequence} came where {_records[index].Sequence} should.";
            if (!record.Payload.SequenceEqual(_records[index].Payload))
                return $"Record {sequence} has other bytes than were appended.";
            index++;
        }

        // When there is none at all, those that may be gone are, and with them whatever came after.
        kept = index >= 0 ? index : FirstFrom(_mayBeGone);
        return kept < _durable
            ? $"Of {_durable} records that were confirmed as durable, those from {_records[kept].Sequence} on are lost."
            : CheckPlaces(journal);
    }

    /// <summary>The crash was real: what was not kept is gone for good.</summary>
    public void Keep(int kept, long? place)
    {
        _records.RemoveRange(kept, _records.Count - kept);
        _durable = Math.Min(_durable, kept);
        if (place is { } known)
            Committed(known);
    }

    private string? CheckPlaces(Journal journal)
    {
        var places = journal.GetReaders();
        if (places.Count == 0)
            return _place < 0 ? null : $"The place {_place} of the reader is lost.";
        return _places.Contains(places[0].NextSequence) ? null : $"The place of the reader is {places[0].NextSequence}, not one of "
            + $"{string.Join(", ", _places)}.";
    }

    private int Find(long sequence) =>
        FirstFrom(sequence) is var index && index < _records.Count && _records[index].Sequence == sequence ? index : -1;

    /// <summary>The index of the first record of a sequence or a later one.</summary>
    private int FirstFrom(long sequence)
    {
        var (low, high) = (0, _records.Count - 1);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            if (_records[middle].Sequence < sequence)
                low = middle + 1;
            else
                high = middle - 1;
        }

        return low;
    }
}
