using Comet.Server.Broker;

namespace Comet.Server.Storage.Local;

/// <summary>The acked ranges above a cursor's offset, and the messages that come again, as bytes: unsigned variable-length numbers (seven
/// bits a byte, the lowest first). A count of ranges, for each the gap before it and its length; a count of runs, for each the gap, the
/// length, the stage (2: comes again, 4: comes for the first time, 5: is given up), the slot of the key and how often it was
/// delivered.</summary>
internal static class CursorBlob
{
    public static byte[] Write(CursorState cursor, IReadOnlyList<StateRun> again)
    {
        using var output = new MemoryStream();
        Write(output, (ulong)cursor.Acked.Count);
        var at = cursor.AckedUpTo;
        foreach (var range in cursor.Acked)
        {
            Write(output, (ulong)(range.First - at));
            Write(output, (ulong)range.Count);
            at = range.Last + 1;
        }
        Write(output, (ulong)again.Count);
        at = cursor.AckedUpTo;
        foreach (var run in again)
        {
            Write(output, (ulong)(run.Range.First - at));
            Write(output, (ulong)run.Range.Count);
            Write(output, (ulong)run.State.Stage);
            Write(output, (ulong)run.State.KeySlot);
            Write(output, (ulong)run.State.DeliveryCount);
            at = run.Range.Last + 1;
        }
        return output.ToArray();
    }

    /// <summary>Reads what was written beside an offset.</summary>
    /// <exception cref="FormatException">It was not.</exception>
    public static (CursorState Cursor, IReadOnlyList<StateRun> Again) Read(long ackedUpTo, ReadOnlySpan<byte> bytes)
    {
        var ranges = new List<OffsetRange>();
        var at = ackedUpTo;
        for (var left = ReadNumber(ref bytes); left > 0; left--)
        {
            var range = ReadRange(ref bytes, at);
            ranges.Add(range);
            at = range.Last + 1;
        }
        var runs = new List<StateRun>();
        at = ackedUpTo;
        for (var left = ReadNumber(ref bytes); left > 0; left--)
        {
            var range = ReadRange(ref bytes, at);
            var stage = ReadStage(ref bytes);
            var slot = (int)ReadNumber(ref bytes);
            runs.Add(new(range, MessageState.InFlight(0, (int)ReadNumber(ref bytes), slot).As(stage)));
            at = range.Last + 1;
        }
        return (new(ackedUpTo, ranges), runs);
    }

    private static OffsetRange ReadRange(ref ReadOnlySpan<byte> bytes, long at)
    {
        var first = at + (long)ReadNumber(ref bytes);
        var count = (long)ReadNumber(ref bytes);
        return first >= at && count > 0 && first <= long.MaxValue - count
            ? new(first, first + count - 1)
            : throw new FormatException("A saved cursor has ranges that do not follow each other.");
    }

    private static MessageStage ReadStage(ref ReadOnlySpan<byte> bytes) => (MessageStage)ReadNumber(ref bytes) switch
    {
        var stage and (MessageStage.Waiting or MessageStage.Released or MessageStage.DeadLettering) => stage,
        var other => throw new FormatException($"A saved cursor has messages in the stage {(int)other}, which is not known."),
    };

    private static void Write(MemoryStream output, ulong number)
    {
        for (; number >= 0x80; number >>= 7)
            output.WriteByte((byte)(number | 0x80));
        output.WriteByte((byte)number);
    }

    private static ulong ReadNumber(ref ReadOnlySpan<byte> bytes)
    {
        var number = 0UL;
        for (var shift = 0; shift < 64 && !bytes.IsEmpty; shift += 7)
        {
            var next = bytes[0];
            bytes = bytes[1..];
            number |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
                return number;
        }
        throw new FormatException("A saved cursor ends in the middle of a number.");
    }
}
