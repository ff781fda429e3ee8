using Comet.Journals.Control;

namespace Comet.Journals.Tests.Appending;

public sealed class HoleCloserTests
{
    /// <summary>A segment has its name before the tail is in it. Whoever reads it by then must not take it for one that all have left: the
    /// first writer in it would be robbed.</summary>
    [Fact]
    public void Nobody_has_claimed_anything_in_a_segment_that_the_tail_has_not_reached()
    {
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path);
        var state = journal.State;
        var first = state.Roller!.Active();
        var next = state.Segments.Create(first, 0, first.Header.CycleStart, default, 0, 0);
        Assert.Equal(HoleState.Unclaimed, state.Holes!.Look(next, next.Layout.DataStart));
        next.Release();
        first.Release();
    }
}
