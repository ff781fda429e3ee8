namespace Comet.Journals;

/// <summary>What one run of maintenance did.</summary>
/// <param name="Packed">How many segments were compressed or encrypted.</param>
/// <param name="Moved">How many went to another folder.</param>
/// <param name="Deleted">How many were removed by retention.</param>
/// <param name="BytesBefore">How long the files of those that were packed had been.</param>
/// <param name="BytesAfter">How long they are now.</param>
/// <param name="Failures">What could not be done, and why. Those segments are as they were.</param>
public sealed record JournalMaintenanceResult(
    int Packed, int Moved, int Deleted, long BytesBefore, long BytesAfter, IReadOnlyList<Exception> Failures);

/// <summary>How far a run of maintenance is.</summary>
/// <param name="Segment">The number of the segment that is being dealt with.</param>
/// <param name="SegmentsDone">How many have been looked at before it.</param>
/// <param name="Segments">How many there are to be looked at.</param>
/// <param name="BytesPacked">How many bytes of segments have been packed so far.</param>
public readonly record struct JournalMaintenanceProgress(long Segment, int SegmentsDone, int Segments, long BytesPacked);
