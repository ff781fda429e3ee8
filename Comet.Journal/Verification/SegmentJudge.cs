using Comet.Journals.Segments;

namespace Comet.Journals.Verification;

/// <summary>Tells damage from what is no damage: the claims that writers are at or died at, and the tail that a power cut has torn. What
/// some mark calls durable has to be there; so has everything, as long as the machine has not been restarted.</summary>
internal sealed class SegmentJudge(SessionState session, List<SegmentFinding> segments)
{
    private const string Unpublished = "nothing is published there, and it had been made durable";
    private const string Changed = "what is there is not what was written";

    private bool KeepsAll => session.IsAttended || session.IsOfThisBoot;

    /// <summary>The greatest place that is known to have been durable, and the first sequence behind it.</summary>
    public (JournalPlace Place, long Sequence) Durable { get; private set; } = session.Durable;

    public long TornBytes { get; private set; }

    /// <summary>Notes what of the findings is damage, and forgets those behind a torn place.</summary>
    public void Run(List<JournalDamage> damages)
    {
        foreach (var segment in segments)
        {
            Raise((segment.Header?.DurableBefore ?? default, segment.Header?.FirstSequence ?? 0));
            Raise(segment.Inspection?.Durable ?? default);
        }

        for (var i = 0; i < segments.Count; i++)
        {
            if (!TryJudge(i, damages))
            {
                TornBytes += segments[(i + 1)..].Sum(static each => each.FileLength);
                segments.RemoveRange(i + 1, segments.Count - i - 1);
            }
        }
    }

    /// <summary>False when the journal is torn in this segment.</summary>
    private bool TryJudge(int index, List<JournalDamage> damages)
    {
        var segment = segments[index];
        if (DamageOfWhole(index) is { } damage)
        {
            // A name or a second sector that no mark vouches for may not have got to the disk.
            if (segment.Unreadable is null && !segment.IsCut && IsTorn(segment, 0))
                return Tear(segment, 0);

            damages.Add(damage);
        }

        damages.AddRange(segment.DamagedBlocks.Select(block => block.Damage with
        {
            EndSequence = block.Damage.EndSequence ?? SequenceBehind(index)
        }));
        return segment.IsPacked || segment.Inspection is not { } inspection || TryJudgeRecords(index, segment, inspection, damages);
    }

    private bool TryJudgeRecords(int index, SegmentFinding segment, SegmentInspection inspection, List<JournalDamage> damages)
    {
        foreach (var range in inspection.Ranges)
        {
            var isDurable = new JournalPlace(segment.Number, range.From) < Durable.Place;
            if (!isDurable && !KeepsAll)
                return Tear(segment, range.From);
            if (!isDurable && range.IsUnpublished)
                continue;

            segment.Damaged.Add(range);
            if (range.EndSequence is null && inspection.EndsWith is null && (isDurable || index < segments.Count - 1))
                segment.EndMarkMissingAt = range.From;
            damages.Add(Of(segment, range.From, range.To - range.From, range.IsUnpublished ? Unpublished : Changed) with
            {
                FirstSequence = range.FirstSequence, EndSequence = range.EndSequence ?? SequenceBehind(index)
            });
        }

        return inspection.EndsWith is not null || segment.EndMarkMissingAt is not null || TryJudgeEnd(index, segment, inspection, damages);
    }

    /// <summary>There is no end mark, and no damage in its place.</summary>
    private bool TryJudgeEnd(int index, SegmentFinding segment, SegmentInspection inspection, List<JournalDamage> damages)
    {
        if (new JournalPlace(segment.Number, inspection.End) >= Durable.Place)
            return index == segments.Count - 1 || KeepsAll || Tear(segment, inspection.End);

        segment.EndMarkMissingAt = inspection.End;
        damages.Add(Of(segment, inspection.End, segment.Header!.FileLength - inspection.End, Unpublished) with
        {
            FirstSequence = inspection.NextSequence, EndSequence = SequenceBehind(index)
        });
        return true;
    }

    private JournalDamage? DamageOfWhole(int index)
    {
        var segment = segments[index];
        var behind = SequenceBehind(index);
        if (segment.Entry is null)
            return Of(segment, 0, 0, "the file is missing") with { FirstSequence = SequenceBefore(index), EndSequence = behind };
        if (segment.Unreadable is { } unreadable)
        {
            return Of(segment, 0, segment.FileLength, unreadable) with
            {
                FirstSequence = SequenceBefore(index), EndSequence = behind
            };
        }

        if (segment.IsPlaceDamaged)
        {
            return Of(segment, SegmentHeader.SectorLength, SegmentHeader.SectorLength,
                "the second sector of its header is not what was written");
        }

        if (segment.IsCut)
        {
            return Of(segment, segment.FileLength, segment.Header!.FileLength - segment.FileLength,
                $"the file was cut: it has {segment.FileLength} bytes and should have {segment.Header.FileLength}");
        }

        return segment.Header is { } header && index > 0 && segments[index - 1].Inspection?.EndsWith is { } expected
            && expected != header.FirstSequence
            ? Of(segment, SegmentHeader.SectorLength, 0,
                $"it begins with sequence {header.FirstSequence}, and the segment before ends with {expected}")
            : null;
    }

    private bool IsTorn(SegmentFinding segment, long position) =>
        !KeepsAll && new JournalPlace(segment.Number, position) >= Durable.Place;

    private bool Tear(SegmentFinding segment, long position)
    {
        TornBytes += Math.Max(0, segment.FileLength - position);
        return false;
    }

    private void Raise((JournalPlace Place, long Sequence) durable)
    {
        if (durable.Place > Durable.Place)
            Durable = durable;
    }

    private long SequenceBefore(int index)
    {
        for (var i = index - 1; i >= 0; i--)
        {
            if (segments[i].Inspection is { } inspection)
                return inspection.EndsWith ?? inspection.NextSequence;
        }

        return 0;
    }

    private long? SequenceBehind(int index) =>
        segments.Skip(index + 1).FirstOrDefault(static each => each is { Header: not null, IsPlaceDamaged: false })?.Header!.FirstSequence
        ?? (Durable.Sequence > 0 ? Durable.Sequence : null);

    private static JournalDamage Of(SegmentFinding segment, long position, long length, string reason) =>
        new() { File = segment.Path, FilePosition = position, Length = length, Reason = reason };
}
