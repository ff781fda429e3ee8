using Comet.Journals.Control;
using Comet.Journals.Maintenance;

namespace Comet.Journals.Retention;

/// <summary>Removes segments from the front that are too old, or too many: sealed ones that no named reader needs.</summary>
internal sealed class RetentionRun(JournalState state, SegmentFactsCache facts)
{
    /// <summary>Does it. The caller holds the maintenance lock.</summary>
    /// <param name="options">What is kept.</param>
    /// <param name="plan">Tells what is too old.</param>
    /// <returns>How many segments were removed.</returns>
    public int Run(JournalMaintenance options, SegmentPlan plan)
    {
        if (options.RetainFor is null && options.RetainBytes is null)
            return 0;

        // From the look at the readers' places to the removal no reader may be created that needs more.
        using var places = state.RequireGates().Places.Enter();
        var entries = state.Segments.Catalog.Refresh();
        if (state.Segments.Catalog.Unreachable is { } unreachable)
            throw unreachable;

        var limit = Math.Min(state.Readers.FirstNeededSegment(), state.Control!.GetDurable().Place.Segment);
        var bytes = options.RetainBytes is null ? 0 : entries.Sum(entry => LengthOf(entry.Path));
        var count = 0;
        while (count < entries.Count - 1 && entries[count].Number < limit)
        {
            if (!plan.IsTooOld(facts.Of(entries[count])) && (options.RetainBytes is not { } most || bytes <= most))
                break;

            bytes -= facts.Of(entries[count]).Length;
            count++;
        }

        if (count > 0)
            state.Truncation.RemoveBelow(entries[count].Number);
        return count;
    }

    private long LengthOf(string path)
    {
        using var file = state.Segments.Files.Open(path, FileSystem.FileOpening.Read);
        return file.Length;
    }
}
