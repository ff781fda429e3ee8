using System.Buffers;
using CsCheck;

namespace Comet.Journals.Tests.Appending;

public sealed class BatchTests
{
    [Fact]
    public void Parts_and_batches_read_like_single_records() =>
        Gen.Byte.Array[0, 2000].Array[1, 40].Array[1, 12].Sample(batches =>
        {
            using var directory = new TemporaryDirectory();
            var options = new JournalOptions { FirstSegmentLength = 16 * 1024, MaxSegmentLength = 64 * 1024 };
            using var journal = Journal.Open(directory.Path, options);
            using var writer = journal.CreateWriter();
            using var reader = journal.CreateReader();
            var sequence = 0L;
            foreach (var batch in batches)
            {
                Assert.Equal(sequence, writer.AppendBatch(batch.Select(each => new ReadOnlyMemory<byte>(each)).ToArray()).Sequence);
                sequence += batch.Length;
                var whole = batch.SelectMany(each => each).ToArray();
                Assert.Equal(sequence++, writer.Append(batch[0], whole).Sequence);
                Assert.Equal(sequence++, writer.Append(Joined(batch)).Sequence);
                foreach (var expected in batch.Append([.. batch[0], .. whole]).Append(whole))
                {
                    Assert.True(reader.TryRead(out var record));
                    Assert.Equal(expected, record.Payload);
                }
            }

            Assert.False(reader.TryRead(out _));
        }, iter: 20);

    [Fact]
    public void What_is_too_long_is_refused_as_a_whole()
    {
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path, new JournalOptions { MaxRecordLength = 100 });
        using var writer = journal.CreateWriter();
        foreach (var append in new Action[]
        {
            () => writer.Append(new byte[101]),
            () => writer.Append(new byte[51], new byte[50]),
            () => writer.Append(Joined([new byte[51], new byte[50]])),
            () => writer.AppendBatch([new byte[1], new byte[101]])
        })
            Assert.Equal(JournalErrorCode.RecordTooLarge, Assert.Throws<JournalException>(append).Code);
        Assert.Throws<ArgumentException>(() => writer.AppendBatch([]));
        Assert.Equal(0, writer.Append("x"u8).Sequence);
    }

    [Fact]
    public async Task Readers_never_see_a_batch_before_it_is_whole()
    {
        const int Batches = 3000;
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path);
        var reading = Task.Run(() =>
        {
            using var reader = journal.CreateReader();
            for (var i = 0; i < Batches;)
            {
                if (!reader.TryRead(out var record))
                    continue;

                // The length says how many follow at once.
                for (var left = record.Payload.Length - 1; left > 0; left--)
                    Assert.True(reader.TryRead(out _));
                i++;
            }
        });
        using var writer = journal.CreateWriter();
        for (var i = 0; i < Batches; i++)
        {
            var count = 1 + (i % 20);
            writer.AppendBatch(Enumerable.Range(0, count).Select(each => new ReadOnlyMemory<byte>(new byte[count - each])).ToArray());
        }

        await reading;
    }

    private static ReadOnlySequence<byte> Joined(byte[][] parts)
    {
        var first = new Part(parts[0], null);
        var last = parts.Skip(1).Aggregate(first, (before, bytes) => new Part(bytes, before));
        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    private sealed class Part : ReadOnlySequenceSegment<byte>
    {
        public Part(byte[] bytes, Part? before)
        {
            Memory = bytes;
            if (before is null)
                return;

            RunningIndex = before.RunningIndex + before.Memory.Length;
            before.Next = this;
        }
    }
}
