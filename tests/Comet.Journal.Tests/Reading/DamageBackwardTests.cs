using Comet.Journals.Tests.Support;
using Comet.Journals.Tests.Verification;

namespace Comet.Journals.Tests.Reading;

/// <summary>Reading backward to damage: it is told each time, never passed over, and the way forward is as before.</summary>
public sealed class DamageBackwardTests
{
    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task Damage_is_told_again_and_not_passed_over(bool packed, bool withoutChecksums)
    {
        using var directory = new TemporaryDirectory();
        var options = PackedJournal.Options with { MaxSegmentLength = 1 << 20, FirstSegmentLength = 1 << 20 };
        JournalPosition damaged;
        using (var writing = Journal.Open(directory.Path, options))
        {
            await PackedJournal.FillAsync(writing, 0, 2500);
            damaged = PositionOf(writing, segment: 2, skip: 400);
            if (packed)
                Assert.True(writing.RunMaintenance(PackedJournal.Lz4).Packed > 1);
        }

        Damage(directory, packed, damaged);
        using var journal = Journal.Open(directory.Path, options with
        {
            Access = JournalAccess.ReadOnly, VerifyChecksums = !withoutChecksums
        });
        using var reader = journal.CreateReader(JournalStart.End);
        var last = 2500;
        var failure = Assert.Throws<JournalException>(() =>
        {
            while (reader.TryReadBackward(out var record))
                last = BitConverter.ToInt32(record.Payload);
        });
        Assert.Equal(JournalErrorCode.Corrupt, failure.Code);
        for (var i = 0; i < 3; i++)
            Assert.Equal(failure.Message, Assert.Throws<JournalException>(() => reader.TryReadBackward(out _)).Message);
        for (var i = last; i < 2500; i++)
        {
            Assert.True(reader.TryRead(out var record));
            Assert.True(record.Payload.SequenceEqual(Payload.Of(i, 1000)));
        }
    }

    private static void Damage(TemporaryDirectory directory, bool packed, JournalPosition damaged)
    {
        if (!packed)
        {
            DamagedJournal.Flip(directory.Segments[1], damaged.FilePosition + 100);
            return;
        }

        var file = PackedJournal.Packed(directory.Path)[1];
        DamagedJournal.Flip(file, new FileInfo(file).Length / 2);
    }

    private static JournalPosition PositionOf(Journal journal, long segment, int skip)
    {
        using var reader = journal.CreateReader();
        while (reader.TryRead(out var record))
        {
            if (record.Position.Segment == segment && skip-- == 0)
                return record.Position;
        }

        throw new InvalidOperationException("There is no such record.");
    }
}
