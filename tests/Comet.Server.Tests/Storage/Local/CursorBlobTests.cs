using Comet.Server.Broker;
using Comet.Server.Storage.Local;
using CsCheck;

namespace Comet.Server.Tests.Storage.Local;

public sealed class CursorBlobTests
{
    private static readonly Gen<List<OffsetRange>> s_ranges = Gen.Select(Gen.Int[1, 500], Gen.Int[1, 300]).List[0, 40].Select(Ranges);

    [Fact]
    public void What_is_written_is_read() =>
        Gen.Select(Gen.Long[0, 1L << 40], s_ranges, s_ranges, Gen.Int[0, 4095]).Sample(static (start, acked, held, slot) =>
    {
        var cursor = new CursorState(start, [.. acked.Select(r => new OffsetRange(r.First + start, r.Last + start))]);
        MessageStage[] stages = [MessageStage.Waiting, MessageStage.Released, MessageStage.DeadLettering];
        StateRun[] again = [.. held.Select((r, i) => new StateRun(
            new(r.First + start, r.Last + start), MessageState.InFlight(0, i * 3, slot).As(stages[i % 3])))];
        var read = CursorBlob.Read(start, CursorBlob.Write(cursor, again));
        Assert.Equal(cursor.AckedUpTo, read.Cursor.AckedUpTo);
        Assert.Equal(cursor.Acked, read.Cursor.Acked);
        Assert.Equal(again, read.Again);
    });

    [Fact]
    public void What_was_not_written_so_is_refused() => Gen.Byte.Array[0, 40].Sample(static bytes =>
    {
        try
        {
            var (cursor, again) = CursorBlob.Read(5, bytes);
            var ranges = cursor.Acked.Concat(again.Select(static run => run.Range));
            Assert.All(ranges, static range => Assert.InRange(range.First, 5, range.Last));
        }
        catch (FormatException)
        {
            // As it should be.
        }
    });

    private static List<OffsetRange> Ranges(List<(int Gap, int Count)> steps)
    {
        var ranges = new List<OffsetRange>();
        var at = 0L;
        foreach (var (gap, count) in steps)
        {
            ranges.Add(new(at + gap, at + gap + count - 1));
            at += gap + count;
        }
        return ranges;
    }
}
