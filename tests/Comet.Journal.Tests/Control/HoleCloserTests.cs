using Comet.Journals.Control;
using Comet.Journals.Records;

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
}
