using Comet.Server.Broker;
using Comet.Server.Storage.Local;
using CsCheck;

namespace Comet.Server.Tests.Storage.Local;

public sealed class PointBlobTests
{
    private static readonly Gen<ProducerState> s_producer = Gen.Select(
        Gen.String[Gen.Char.AlphaNumeric, 1, 20], Gen.Long,
        Gen.Select(Gen.Long, Gen.Int[1, 1000], Gen.Long, static (s, c, o) => new SequenceRun(s, c, o)).Array[0, 5],
        Gen.Select(Gen.Long, Gen.Long, static (s, o) => new SequenceMark(s, o)).Array[0, 5], Gen.Int[1, 1 << 20],
        static (name, used, recent, marks, per) =>
            new ProducerState(name, used, recent, marks) { BatchesPerMark = per, SinceMark = per / 2 });

    private static readonly Gen<RecoveryPoint> s_point = Gen.Select(
        Gen.Select(Gen.Long[0, 1L << 50], Gen.Int[0, 5000], Gen.Long, Gen.Long, Gen.UInt,
            static (first, count, epoch, time, sum) => new PointMark(first, first + count, epoch, time, sum)),
        s_producer.Array[0, 4],
        Gen.Select(Gen.Long, Gen.Long, static (due, offset) => new DueOffset(due, offset)).Array[0, 20],
        Gen.Select(Gen.Int, Gen.Long, static (hash, offset) => new KeyedOffset(hash, offset)).Array[0, 20],
        static (mark, producers, waiting, keys) => new RecoveryPoint(mark, producers, new(waiting, keys)));

    [Fact]
    public void What_is_written_is_read() => s_point.Sample(static point =>
    {
        var read = PointBlob.Read(PointBlob.Write(point));
        Assert.NotNull(read);
        Assert.Equal(point.Mark, read.Mark);
        Assert.Equal(point.Delays.Waiting, read.Delays.Waiting);
        Assert.Equal(point.Delays.Keys, read.Delays.Keys);
        Assert.Equal(point.Producers.Count, read.Producers.Count);
        foreach (var (expected, producer) in point.Producers.Zip(read.Producers))
        {
            Assert.Equal((expected.Name, expected.LastUsed, expected.BatchesPerMark, expected.SinceMark),
                (producer.Name, producer.LastUsed, producer.BatchesPerMark, producer.SinceMark));
            Assert.Equal(expected.Recent, producer.Recent);
            Assert.Equal(expected.Marks, producer.Marks);
        }
    });

    [Fact]
    public void What_is_damaged_is_no_point() => Gen.Select(s_point, Gen.Int[0, int.MaxValue], Gen.Int[1, 255]).Sample(
        static (point, at, change) =>
        {
            var bytes = PointBlob.Write(point);
            bytes[at % bytes.Length] ^= (byte)change;
            Assert.Null(PointBlob.Read(bytes));
            Assert.Null(PointBlob.Read(bytes.AsSpan(0, at % bytes.Length)));
        });

    [Fact]
    public void Whatever_has_the_right_checksum_is_read_or_is_no_point() => Gen.Long.Array[0, 40].Sample(static numbers =>
    {
        var output = new BlobWriter();
        output.Write(1);
        foreach (var number in numbers)
            output.Write(number % 64);
        PointBlob.Read(output.ToArrayWithChecksum());
    });
}
