using Comet.Journals.Records;
using Comet.Journals.Tests.Support;

namespace Comet.Journals.Tests.Recovery;

public sealed class TornTailTests
{
    private const int Confirmed = 5;
    private const int Unconfirmed = 12;

    private static readonly JournalOptions Quiet = new()
    {
        FirstSegmentLength = 64 * 1024,
        FlushInterval = TimeSpan.FromMinutes(10),
        FlushLength = 1 << 30
    };

    public enum Damage
    {
        Zeros,
        Garbage,
        FlippedBit
    }

    [Theory]
    [InlineData(Damage.Zeros)]
    [InlineData(Damage.Garbage)]
    [InlineData(Damage.FlippedBit)]
    public async Task Damage_of_what_was_not_confirmed_cuts_it_there_and_nothing_before_it(Damage damage)
    {
        using var original = new TemporaryDirectory();
        using var journal = Journal.Open(original.Path, Quiet);
        var positions = await FillAsync(journal);
        var name = Path.GetFileName(Assert.Single(original.Segments));
        var from = positions[Confirmed].FilePosition;
        var end = positions[^1].FilePosition + RecordLayout.Size(Length(Confirmed + Unconfirmed - 1));
        var random = new Random(4);
        for (var cut = from; cut < end; cut += 1 + random.Next(40))
        {
            using var copy = DirectoryState.Copy(original.Path);
            DirectoryState.Overwrite(Path.Combine(copy.Path, name), cut, Bytes(damage, journal, original.Path, name, cut, end, random));
            var whole = positions.Index().Count(each => each.Item.FilePosition + RecordLayout.Size(Length(each.Index)) <= cut);
            var kept = OpenAfterRestart(copy.Path, session: 1);

            // A cut may fall into the padding behind a body, where zeros are what was there.
            Assert.InRange(kept.Count, whole, damage == Damage.Zeros ? whole + 1 : whole);
            Assert.Equal(Enumerable.Range(0, kept.Count), kept);
            Assert.True(kept.Count >= Confirmed);
            var state = DirectoryState.Of(copy.Path);
            Assert.Equal(kept, OpenAfterRestart(copy.Path, session: 2));
            Assert.Equal(state, DirectoryState.Of(copy.Path));
        }
    }

    [Fact]
    public async Task Damage_of_what_was_confirmed_is_reported_with_its_place_and_nothing_is_touched()
    {
        using var original = new TemporaryDirectory();
        IReadOnlyList<JournalPosition> positions;
        using (var journal = Journal.Open(original.Path, Quiet))
            positions = await FillAsync(journal);
        var name = Path.GetFileName(Assert.Single(original.Segments));
        for (var i = Confirmed; i < Confirmed + Unconfirmed; i++)
        {
            using var copy = DirectoryState.Copy(original.Path);
            var file = Path.Combine(copy.Path, name);
            DirectoryState.Overwrite(file, positions[i].FilePosition + 30, [0xA5, 0xA5, 0xA5]);
            var before = DirectoryState.Of(copy.Path);
            var failure = Assert.Throws<JournalException>(() => OpenAfterRestart(copy.Path, session: 1));
            Assert.Equal(JournalErrorCode.Corrupt, failure.Code);
            Assert.Equal(file, failure.File);
            Assert.Equal(positions[i].FilePosition, failure.FilePosition);
            Assert.Equal(before, DirectoryState.Of(copy.Path));
        }
    }

    [Fact]
    public async Task What_the_page_cache_holds_and_the_disk_may_not_is_written_again_and_a_new_segment_begun()
    {
        using var original = new TemporaryDirectory();
        using var journal = Journal.Open(original.Path, Quiet);
        await FillAsync(journal);
        using var copy = DirectoryState.Copy(original.Path);
        var files = new TracedFileSystem { SessionId = Guid.NewGuid() };
        using var again = Journal.Open(files.Environment, copy.Path, Quiet);
        Assert.Equal(Enumerable.Range(0, Confirmed + Unconfirmed), Payload.ReadAll(again));
        Assert.Equal(2, copy.Segments.Length);
        Assert.Contains($"flush {Path.GetFileName(copy.Segments[0])}", files.Events);
        Assert.True(IndexOf(files, $"flush {Path.GetFileName(copy.Segments[0])}") < IndexOf(files, "directory"));
        using var writer = again.CreateWriter();
        Assert.Equal(Confirmed + Unconfirmed, writer.Append(Payload.Of(Confirmed + Unconfirmed)).Sequence);
    }

    private static int Length(int number) => 50 + (number * 37 % 400);

    private static int IndexOf(TracedFileSystem files, string text) => files.Events.Index().First(each => each.Item == text).Index;

    private static async Task<IReadOnlyList<JournalPosition>> FillAsync(Journal journal)
    {
        using var writer = journal.CreateWriter();
        var positions = new List<JournalPosition>();
        for (var i = 0; i < Confirmed; i++)
            positions.Add(await writer.AppendAsync(Payload.Of(i, Length(i))));
        for (var i = Confirmed; i < Confirmed + Unconfirmed; i++)
            positions.Add(writer.Append(Payload.Of(i, Length(i))));
        return positions;
    }

    private static byte[] Bytes(Damage damage, Journal journal, string directory, string name, long cut, long end, Random random)
    {
        Assert.False(journal.IsFaulted);
        var bytes = new byte[damage == Damage.FlippedBit ? 1 : end - cut];
        if (damage == Damage.Garbage)
            random.NextBytes(bytes);
        if (damage != Damage.FlippedBit)
            return bytes;

        using var stream = new FileStream(Path.Combine(directory, name), FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        stream.Position = cut;
        return [(byte)(stream.ReadByte() ^ (1 << random.Next(8)))];
    }

    private static List<int> OpenAfterRestart(string directory, int session)
    {
        var files = new TracedFileSystem { SessionId = new Guid(session, 0, 0, new byte[8]) };
        using var journal = Journal.Open(files.Environment, directory, Quiet);
        return Payload.ReadAll(journal);
    }
}
