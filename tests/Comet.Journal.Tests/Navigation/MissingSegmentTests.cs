using Comet.Journals.Tests.Support;

namespace Comet.Journals.Tests.Navigation;

/// <summary>A segment whose file somebody took away is told, whichever way a reader comes to it, and never passed over.</summary>
public sealed class MissingSegmentTests
{
    private static readonly JournalOptions Small = new() { FirstSegmentLength = 16 * 1024, MaxSegmentLength = 16 * 1024 };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Reading_forward_tells_it(bool wasKnown)
    {
        using var directory = Create();
        using var journal = OpenWithout(directory, 1, wasKnown);
        using var reader = journal.CreateReader();
        AssertMissing(() =>
        {
            while (reader.TryRead(out _))
            {
                // To the gap.
            }
        });
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Reading_backward_tells_it(bool wasKnown)
    {
        using var directory = Create();
        using var journal = OpenWithout(directory, 1, wasKnown);
        using var reader = journal.CreateReader(JournalStart.End);
        AssertMissing(() =>
        {
            while (reader.TryReadBackward(out _))
            {
                // To the gap.
            }
        });
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_reader_that_stands_in_it_is_told(bool wasKnown)
    {
        using var directory = Create();
        using (var first = Journal.Open(directory.Path, Small))
        {
            using var named = first.OpenReader("named", JournalStart.AtSequence(FirstOfSecond(first)));
            named.Commit();
        }

        using var journal = OpenWithout(directory, 1, wasKnown, JournalAccess.Shared);
        AssertMissing(() =>
        {
            using var again = journal.OpenReader("named");
            _ = again.Reader.TryRead(out _);
        });
    }

    private static long FirstOfSecond(Journal journal)
    {
        using var reader = journal.CreateReader();
        while (reader.TryRead(out var record))
        {
            if (record.Position.Segment == 2)
                return record.Sequence;
        }

        return -1;
    }

    private static TemporaryDirectory Create()
    {
        var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path, Small);
        using var writer = journal.CreateWriter();
        for (var i = 0; i < 50; i++)
            writer.Append(Payload.Of(i, 1000));
        return directory;
    }

    private static Journal OpenWithout(TemporaryDirectory directory, int index, bool wasKnown,
        JournalAccess access = JournalAccess.ReadOnly)
    {
        var path = directory.Segments[index];
        if (!wasKnown)
            File.Delete(path);
        var journal = Journal.Open(directory.Path, Small with { Access = access });
        _ = journal.GetSegments();
        if (wasKnown)
            File.Delete(path);
        return journal;
    }

    private static void AssertMissing(Action read)
    {
        var failure = Assert.Throws<JournalException>(read);
        Assert.Equal(JournalErrorCode.Corrupt, failure.Code);
        Assert.Contains("Segment 2 ", failure.Message, StringComparison.Ordinal);
    }
}
