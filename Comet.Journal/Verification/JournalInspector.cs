using Comet.Journals.Control;
using Comet.Journals.FileSystem;
using Comet.Journals.Maintenance;
using Comet.Journals.Places;
using Comet.Journals.Retention;
using Comet.Journals.Segments;

namespace Comet.Journals.Verification;

/// <summary>Reads everything in a journal's directory that carries a promise, changes nothing, and tells all damage. Works beside processes
/// that write: what was durable when it begins is judged, what they are at is not.</summary>
/// <param name="files">The file system.</param>
/// <param name="directory">The journal's.</param>
/// <param name="keys">Gives the keys of encrypted segments; null when there are none.</param>
/// <param name="isOurs">Whether the session is held by the caller, so that nobody writes.</param>
internal sealed class JournalInspector(IFileSystem files, string directory, IJournalKeyProvider? keys, bool isOurs)
{
    private readonly List<JournalDamage> _damages = [];
    private readonly List<string> _damagedFiles = [];

    public JournalInspection Run(IProgress<JournalProgress>? progress, CancellationToken cancellationToken)
    {
        files.RequireUsable(directory);
        var metadata = ReadMetadata();
        var findings = new SegmentFindings(files, metadata?.JournalId ?? FindJournalId(), keys);
        var session = SessionState.Read(files, directory, findings.JournalId, isOurs);
        var segments = Open(findings, out var doubles);
        Read(findings, segments, progress, cancellationToken);
        var judge = new SegmentJudge(session, segments);
        judge.Run(_damages);
        return new JournalInspection
        {
            Metadata = metadata,
            JournalId = findings.JournalId,
            Segments = segments,
            DamagedFiles = _damagedFiles,
            Doubles = doubles,
            DurableSequence = judge.Durable.Sequence,
            Report = new JournalVerification
            {
                Damages = _damages,
                Segments = segments.Count(static each => each.Entry is not null),
                Bytes = segments.Sum(static each => each.FileLength),
                Records = segments.Sum(static each => each.Inspection?.Records ?? 0),
                TornBytes = judge.TornBytes
            }
        };
    }

    /// <summary>The metadata; null, which is noted as damage, when it is missing or damaged.</summary>
    /// <exception cref="JournalException">There is no journal.</exception>
    public JournalMetadata? ReadMetadata()
    {
        try
        {
            if (JournalMetadata.TryRead(files, directory) is { } metadata)
                return metadata;
            if (!files.List(directory).Any(static name => SegmentName.TryParse(name, out _, out _, out _)))
            {
                throw new JournalException(JournalErrorCode.NotFound,
                    $"There is no journal in {directory}. Check the path.") { File = directory };
            }

            NoteFile(JournalMetadata.Name, "is missing");
        }
        catch (JournalException damaged) when (damaged.Code == JournalErrorCode.Corrupt)
        {
            NoteFile(JournalMetadata.Name, "does not hold what was written: its checksum or its values are wrong");
        }

        return null;
    }

    private IReadOnlyList<string> ReadFolders(Guid? journalId)
    {
        try
        {
            return journalId is { } id ? TierFolders.Read(files, directory, id) : [directory];
        }
        catch (JournalException damaged) when (damaged.Code == JournalErrorCode.Corrupt)
        {
            NoteFile(TierFolders.Name, "does not hold what was written: segments may be in folders that it names");
            return [directory];
        }
    }

    /// <summary>The id that the first segment with a whole first sector has.</summary>
    private Guid? FindJournalId()
    {
        var findings = new SegmentFindings(files, null, null);
        foreach (var entry in new SegmentCatalog(files, () => [directory], static () => 0).Refresh())
        {
            _ = findings.TryReadHeader(entry);
            if (findings.JournalId is { } found)
                return found;
        }

        return null;
    }

    /// <summary>Checks the files that hold places, and returns the number of the first segment that is kept.</summary>
    private long CheckPlaces(Guid? journalId)
    {
        if (journalId is not { } id)
            return 0;

        foreach (var name in files.List(directory).Where(static name => name.EndsWith(NamedReaders.Extension, StringComparison.Ordinal)))
            _ = TryReadPlace(name, id);
        return TryReadPlace(FirstSegmentMark.Name, id) is { } values ? values[0] : 0;
    }

    private long[]? TryReadPlace(string name, Guid journalId)
    {
        try
        {
            return PlaceFile.TryRead(files, Path.Combine(directory, name), journalId);
        }
        catch (JournalException damaged) when (damaged.Code == JournalErrorCode.Corrupt)
        {
            NoteFile(name, "holds none of the copies that were written");
            return null;
        }
    }

    private List<SegmentFinding> Open(SegmentFindings findings, out List<string> doubles)
    {
        var segments = new List<SegmentFinding>();
        var folders = ReadFolders(findings.JournalId);
        var catalog = new SegmentCatalog(files, () => folders, static () => 0);
        // In this order: a removal says what is the first before it deletes what is below.
        var entries = catalog.Refresh();
        catalog.RequireReachable();
        var firstKept = CheckPlaces(findings.JournalId);
        var isFirstKnown = findings.JournalId is not null && !_damagedFiles.Contains(FirstSegmentMark.Name);
        var next = !isFirstKnown ? 0 : Math.Max(firstKept, 1);
        foreach (var entry in entries.Where(entry => entry.Number >= firstKept))
        {
            if (findings.TryReadHeader(entry) is not { } finding)
            {
                // Removed from the front since; whatever was before has gone with it.
                segments.Clear();
                next = entry.Number + 1;
                continue;
            }

            for (; next > 0 && next < entry.Number; next++)
                segments.Add(new SegmentFinding(next, Path.Combine(directory, SegmentName.Of(next, entry.CycleStart))));
            segments.Add(finding);
            next = entry.Number + 1;
        }

        doubles = FindDoubles(catalog, firstKept);
        return segments;
    }

    private List<string> FindDoubles(SegmentCatalog catalog, long firstKept)
    {
        var doubles = new List<string>();
        foreach (var name in files.List(directory).Order(StringComparer.Ordinal))
        {
            if (!SegmentName.TryParse(name, out var number, out _, out var form) || form.Length > 0 || number < firstKept
                || catalog.Entries.FirstOrDefault(entry => entry.Number == number) is not { Form.Length: 0 } entry
                || Path.GetFileName(entry.Path) == name)
                continue;

            doubles.Add(name);
            NoteFile(name, $"is a second file for segment {number}, beside {Path.GetFileName(entry.Path)}");
        }

        _damagedFiles.RemoveAll(doubles.Contains);
        return doubles;
    }

    private static void Read(SegmentFindings findings, List<SegmentFinding> segments, IProgress<JournalProgress>? progress,
        CancellationToken cancellationToken)
    {
        var (done, total) = (0L, segments.Sum(static each => each.FileLength));
        for (var i = 0; i < segments.Count; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            progress?.Report(new JournalProgress(done, total));
            var segment = segments[i];
            if (segment is { IsPlaceDamaged: true, Header: { } header })
            {
                var before = i > 0 ? segments[i - 1].Inspection : null;
                segment.Header = header with { FirstSequence = before?.EndsWith ?? before?.NextSequence ?? 0 };
            }

            if (segment.Header is not null && !TryRead(findings, segment))
            {
                // Removed from the front since.
                segments.RemoveRange(0, i + 1);
                i = -1;
            }
            else
                done += segment.FileLength;
        }

        progress?.Report(new JournalProgress(total, total));
    }

    private static bool TryRead(SegmentFindings findings, SegmentFinding segment)
    {
        try
        {
            findings.ReadRecords(segment);
            return true;
        }
        catch (JournalException gone) when (gone.Code == JournalErrorCode.NotFound)
        {
            return false;
        }
    }

    private void NoteFile(string name, string reason)
    {
        _damagedFiles.Add(name);
        _damages.Add(new JournalDamage { File = Path.Combine(directory, name), FilePosition = 0, Reason = reason });
    }
}
