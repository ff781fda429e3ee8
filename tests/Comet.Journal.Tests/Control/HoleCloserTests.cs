using Comet.Journals.Control;
using Comet.Journals.Records;
using Comet.Journals.Tests.Support;

namespace Comet.Journals.Tests.Control;

public sealed unsafe class HoleCloserTests
{
    [Fact]
    public void A_segment_that_has_its_name_but_is_not_active_yet_has_no_holes()
    {
        using var directory = new TemporaryDirectory();
        using var state = JournalOpener.Open(JournalEnvironment.Default, directory.Path, new JournalOptions());
        var active = state.Roller!.Active();
        var next = state.Segments.Create(active, 0, active.Header.CycleStart, default, 0, 0);

        // A writer that claims right after the reader has looked at the slots has copied its body when the reader looks at the place.
        var position = next.Layout.DataStart;
        *(ulong*)(next.Start + position + RecordLayout.HeaderLength) = 42;
        Assert.Equal(HoleState.Unclaimed, state.Holes!.Look(next, position));
        Assert.Equal(0u, RecordLayout.Word(next.Start + position));
        next.Release();
        active.Release();
    }

    /// <summary>Zeros where a record was confirmed are damage, whoever may have died meanwhile: nothing is written over them.</summary>
    [Fact]
    public void What_was_made_durable_and_is_gone_is_no_hole()
    {
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path);
        using var writer = journal.CreateWriter();
        var first = writer.Append(Payload.Of(0));
        writer.Append(Payload.Of(1), JournalDurability.Disk);
        var segment = journal.State.Segments.Open(first.Segment);
        new Span<byte>(segment.Start + first.FilePosition, Payload.Of(0).Length).Clear();
        Assert.Equal(HoleState.Damaged, journal.State.Holes!.Look(segment, first.FilePosition));
        Assert.Equal(0u, RecordLayout.Word(segment.Start + first.FilePosition));
        using var reader = journal.CreateReader();
        Assert.Equal(JournalErrorCode.Corrupt, Assert.Throws<JournalException>(() => reader.TryRead(out _)).Code);
        segment.Release();
    }
}
