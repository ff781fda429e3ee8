using Comet.Journals.Control;
using Comet.Journals.Places;
using CsCheck;

namespace Comet.Journals.Tests.Places;

public sealed class NamedReaderTests
{
    private static readonly JournalOptions SmallSegments = new() { FirstSegmentLength = 16 * 1024, MaxSegmentLength = 16 * 1024 };

    [Fact]
    public void A_name_goes_on_where_it_was_told_to_and_not_where_it_read_to() =>
        Gen.Select(Gen.Int[0, 30], Gen.Bool, Gen.Bool).Array[1, 30].Sample(turns =>
        {
            using var directory = new TemporaryDirectory();
            using var journal = Journal.Open(directory.Path, SmallSegments);
            using var writer = journal.CreateWriter();
            for (var i = 0; i < 200; i++)
                writer.Append(new byte[i * 7]);
            var place = 0;
            foreach (var (count, commits, byPosition) in turns)
            {
                using var named = journal.OpenReader("billing");
                Assert.Equal(place, named.NextSequence);
                var at = place;
                var last = default(JournalPosition);
                for (var i = 0; i < count && named.Reader.TryRead(out var record); i++, at++)
                {
                    Assert.Equal(at, record.Sequence);
                    last = record.Position;
                }

                if (!commits || at == place)
                    continue;

                if (byPosition)
                    named.Commit(last);
                else
                    named.Commit();
                place = at;
                Assert.Equal(place, named.NextSequence);
            }
        }, iter: 20);

    [Fact]
    public void Two_openers_of_one_name_are_told_so()
    {
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path);
        using var other = Journal.Open(directory.Path);
        using (journal.OpenReader("one"))
        {
            foreach (var each in new[] { journal, other })
            {
                Assert.Equal(JournalErrorCode.ReaderInUse, Assert.Throws<JournalException>(() => each.OpenReader("one")).Code);
                Assert.Equal(JournalErrorCode.ReaderInUse, Assert.Throws<JournalException>(() => each.DeleteReader("one")).Code);
            }

            using var second = other.OpenReader("two");
        }

        other.OpenReader("one").Dispose();
    }

    [Fact]
    public async Task They_are_listed_and_deleted()
    {
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path);
        using var writer = journal.CreateWriter();
        for (var i = 0; i < 5; i++)
            writer.Append("x"u8);
        using var open = journal.OpenReader("b", JournalStart.AtSequence(3));
        using (var closed = journal.OpenReader("a"))
        {
            Assert.True(closed.Reader.TryRead(out var record));
            await closed.CommitAsync(record.Position, TestContext.Current.CancellationToken);
            await closed.CommitAsync(TestContext.Current.CancellationToken);
        }

        journal.OpenReader("c", JournalStart.End).Dispose();
        Assert.Equal([("a", 1, false), ("b", 3, true), ("c", 5, false)],
            journal.GetReaders().Select(each => (each.Name, each.NextSequence, each.IsOpen)));
        Assert.True(journal.DeleteReader("c"));
        Assert.False(journal.DeleteReader("c"));
        Assert.Equal(["a", "b"], journal.GetReaders().Select(each => each.Name));
        Assert.Throws<ArgumentException>(() => journal.OpenReader("../x"));
        Assert.Throws<ArgumentException>(() => journal.DeleteReader(".hidden"));
    }

    [Fact]
    public void A_journal_that_is_only_read_keeps_no_places()
    {
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path);
        journal.OpenReader("a").Dispose();
        using var reading = Journal.Open(directory.Path, new JournalOptions { Access = JournalAccess.ReadOnly });
        Assert.Equal(JournalErrorCode.ReadOnly, Assert.Throws<JournalException>(() => reading.OpenReader("a")).Code);
        Assert.Equal("a", Assert.Single(reading.GetReaders()).Name);
    }

    /// <summary>Whichever one copy is torn, at whatever byte, there is a place: the last one that was flushed or a later one.</summary>
    [Fact]
    public void One_torn_copy_never_loses_the_place() => Gen.Select(Gen.Int[1, 8], Gen.Int[0, 2], Gen.Int[0, 511], Gen.Byte[1, 255])
        .Sample((commits, copy, at, change) =>
        {
            using var directory = new TemporaryDirectory();
            using var journal = Journal.Open(directory.Path);
            using var writer = journal.CreateWriter();
            for (var i = 0; i < 10; i++)
                writer.Append("x"u8);
            using (var named = journal.OpenReader("a"))
            {
                for (var i = 0; i < commits; i++)
                {
                    Assert.True(named.Reader.TryRead(out _));
                    named.Commit();
                }
            }

            var path = Path.Combine(directory.Path, $"a{NamedReaders.Extension}");
            var bytes = File.ReadAllBytes(path);
            bytes[(copy * 4096) + at] ^= change;
            File.WriteAllBytes(path, bytes);
            var place = Assert.Single(journal.GetReaders()).NextSequence;
            // Without a flush in between only the copy from the creation and two others are written, in turn.
            Assert.InRange(place, commits - 1, commits);
        }, iter: 100);

    [Fact]
    public void A_place_that_is_lost_is_an_error_and_not_a_start_from_the_beginning()
    {
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path);
        journal.OpenReader("a").Dispose();
        var path = Path.Combine(directory.Path, $"a{NamedReaders.Extension}");
        File.WriteAllBytes(path, new byte[new FileInfo(path).Length]);
        Assert.Equal(JournalErrorCode.Corrupt, Assert.Throws<JournalException>(() => journal.OpenReader("a")).Code);
        Assert.Equal(JournalErrorCode.Corrupt, Assert.Throws<JournalException>(() => journal.GetReaders()).Code);
        Assert.Equal(JournalErrorCode.Corrupt, Assert.Throws<JournalException>(() => journal.TruncateBefore(1)).Code);
    }

    /// <summary>A power cut takes what was not durable, and its sequences are given out again: what came instead is not passed
    /// over.</summary>
    [Fact]
    public void A_place_behind_a_tail_that_was_cut_goes_on_with_what_came_instead()
    {
        const int Kept = 20;
        using var directory = new TemporaryDirectory();
        using var afterwards = new TemporaryDirectory();
        using (var journal = Journal.Open(directory.Path))
        using (var writer = journal.CreateWriter())
        using (var named = journal.OpenReader("a"))
        {
            for (var i = 0; i < Kept; i++)
                writer.Append(BitConverter.GetBytes(i));
            var cut = writer.Append(BitConverter.GetBytes(Kept)).FilePosition;
            for (var i = 0; i < 30; i++)
                writer.Append(BitConverter.GetBytes(-1));
            while (named.Reader.TryRead(out _))
                named.Commit();
            Assert.Equal(Kept + 31, named.NextSequence);
            CopyAsIfPowerWasCut(directory, afterwards, cut);
        }

        using (var journal = Journal.Open(afterwards.Path))
        using (var writer = journal.CreateWriter())
        using (var named = journal.OpenReader("a"))
        {
            var sequence = writer.Append("new"u8).Sequence;
            Assert.Equal(Kept, sequence);
            Assert.True(named.Reader.TryRead(out var record));
            Assert.Equal("new"u8, record.Payload);
        }
    }

    /// <summary>The same where all that is left was confirmed, so that nothing is torn, and more than was lost has come instead.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(20)]
    public void A_place_behind_what_was_lost_without_a_trace_goes_on_with_what_came_instead(int dealtWith)
    {
        const int Kept = 20;
        const int More = 40;
        using var directory = new TemporaryDirectory();
        using var afterwards = new TemporaryDirectory();
        using (var journal = Journal.Open(directory.Path))
        using (var writer = journal.CreateWriter())
        {
            for (var i = 0; i < Kept; i++)
                writer.Append(BitConverter.GetBytes(i));
        }

        using (var journal = Journal.Open(directory.Path))
        using (var writer = journal.CreateWriter())
        using (var named = journal.OpenReader("a"))
        {
            var cut = writer.Append(BitConverter.GetBytes(-1)).FilePosition;
            for (var i = 1; i < More / 2; i++)
                writer.Append(BitConverter.GetBytes(-1));
            for (var i = 0; i < Kept + dealtWith; i++)
            {
                Assert.True(named.Reader.TryRead(out var record));
                named.Commit(record.Position);
            }

            CopyAsIfPowerWasCut(directory, afterwards, cut, (More / 2 * 64) + 4096);
        }

        using (var journal = Journal.Open(afterwards.Path))
        using (var writer = journal.CreateWriter())
        {
            for (var i = 0; i < More; i++)
                Assert.Equal(Kept + i, writer.Append(BitConverter.GetBytes(Kept + i)).Sequence);
            using var named = journal.OpenReader("a");
            Assert.True(named.Reader.TryRead(out var record));
            Assert.Equal(Kept, record.Sequence);
        }
    }

    private static void CopyAsIfPowerWasCut(TemporaryDirectory from, TemporaryDirectory to, long cut, int lost = 16)
    {
        foreach (var path in Directory.GetFiles(from.Path).Where(path => Path.GetFileName(path) != ControlFile.Name))
            File.Copy(path, Path.Combine(to.Path, Path.GetFileName(path)));
        using var file = new FileStream(to.Segments[0], FileMode.Open, FileAccess.ReadWrite);
        file.Position = cut;
        file.Write(new byte[lost]);
    }
}
