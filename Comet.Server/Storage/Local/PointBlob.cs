using System.Diagnostics.CodeAnalysis;
using System.Text;
using Comet.Server.Broker;

namespace Comet.Server.Storage.Local;

/// <summary>A point to recover from, as bytes: a version, the mark, the producers, what waits and the keys of that, all numbers
/// variable-length (<see cref="BlobWriter"/>) and mostly differences; then a CRC-32C of it all.</summary>
internal static class PointBlob
{
    private const byte Version = 1;

    public static byte[] Write(RecoveryPoint point)
    {
        var output = new BlobWriter();
        output.Write(Version);
        var mark = point.Mark;
        output.Write(mark.BaseOffset);
        output.Write(mark.LastOffset - mark.BaseOffset);
        output.Write(mark.Epoch);
        output.Write(mark.AppendTime);
        output.Write(mark.Checksum);
        output.Write(point.Producers.Count);
        foreach (var producer in point.Producers)
            Write(output, producer);
        Write(output, point.Delays);
        return output.ToArrayWithChecksum();
    }

    /// <summary>Reads what was written; null when it is damaged, or of another version.</summary>
    public static RecoveryPoint? Read(ReadOnlySpan<byte> bytes) =>
        BlobReader.TryOpen(bytes, out var input) && TryRead(ref input, out var point) ? point : null;

    private static bool TryRead(ref BlobReader input, [NotNullWhen(true)] out RecoveryPoint? point)
    {
        point = null;
        try
        {
            if (input.Read() != Version)
                return false;
            var first = input.Read();
            var mark = new PointMark(first, first + input.Read(), input.Read(), input.Read(), (uint)input.Read());
            var producers = new ProducerState[input.ReadCount()];
            for (var i = 0; i < producers.Length; i++)
                producers[i] = ReadProducer(ref input);
            point = new(mark, producers, ReadDelays(ref input));
            return true;
        }
        catch (FormatException)
        {
            // The checksum is right, so that it was written like this, by whoever: the log tells it better.
            return false;
        }
    }

    private static void Write(BlobWriter output, ProducerState producer)
    {
        output.Write(Encoding.ASCII.GetBytes(producer.Name));
        output.Write(producer.LastUsed);
        output.Write(producer.BatchesPerMark);
        output.Write(producer.SinceMark);
        output.Write(producer.Recent.Count);
        var (sequence, offset) = (0L, 0L);
        foreach (var batch in producer.Recent)
        {
            output.Write(batch.BaseSequence - sequence);
            output.Write(batch.Count);
            output.Write(batch.BaseOffset - offset);
            (sequence, offset) = (batch.BaseSequence + batch.Count, batch.BaseOffset + batch.Count);
        }
        output.Write(producer.Marks.Count);
        (sequence, offset) = (0, 0);
        foreach (var mark in producer.Marks)
        {
            output.Write(mark.BaseSequence - sequence);
            output.Write(mark.BaseOffset - offset);
            (sequence, offset) = (mark.BaseSequence, mark.BaseOffset);
        }
    }

    private static ProducerState ReadProducer(ref BlobReader input)
    {
        var name = Encoding.ASCII.GetString(input.ReadBytes());
        var (lastUsed, perMark, sinceMark) = (input.Read(), (int)input.Read(), (int)input.Read());
        var recent = new SequenceRun[input.ReadCount()];
        var (sequence, offset) = (0L, 0L);
        for (var i = 0; i < recent.Length; i++)
        {
            var batch = recent[i] = new(sequence + input.Read(), (int)input.Read(), offset + input.Read());
            (sequence, offset) = (batch.BaseSequence + batch.Count, batch.BaseOffset + batch.Count);
        }
        var marks = new SequenceMark[input.ReadCount()];
        (sequence, offset) = (0, 0);
        for (var i = 0; i < marks.Length; i++)
            (sequence, offset) = marks[i] = new(sequence + input.Read(), offset + input.Read());
        return new(name, lastUsed, recent, marks) { BatchesPerMark = perMark, SinceMark = sinceMark };
    }

    private static void Write(BlobWriter output, DelayState delays)
    {
        output.Write(delays.Waiting.Count);
        var last = default(DueOffset);
        foreach (var entry in delays.Waiting)
        {
            output.Write(entry.Due - last.Due);
            output.Write(entry.Offset - last.Offset);
            last = entry;
        }
        output.Write(delays.Runs.Count);
        foreach (var run in delays.Runs)
        {
            output.Write(run.Id);
            output.Write(run.Count);
            output.Write(run.KeyCount);
        }
        output.Write(delays.Keys.Count);
        var before = 0L;
        foreach (var (hash, offset) in delays.Keys)
        {
            output.Write(hash);
            output.Write(offset - before);
            before = offset;
        }
    }

    private static DelayState ReadDelays(ref BlobReader input)
    {
        var waiting = new DueOffset[input.ReadCount()];
        var last = default(DueOffset);
        for (var i = 0; i < waiting.Length; i++)
            last = waiting[i] = new(last.Due + input.Read(), last.Offset + input.Read());
        var runs = new DelayRunName[input.ReadCount()];
        for (var i = 0; i < runs.Length; i++)
            runs[i] = new(input.Read(), input.Read(), input.Read());
        var keys = new KeyedOffset[input.ReadCount()];
        var before = 0L;
        for (var i = 0; i < keys.Length; i++)
        {
            keys[i] = new((int)input.Read(), before + input.Read());
            before = keys[i].Offset;
        }
        return new(waiting, keys) { Runs = runs };
    }
}
