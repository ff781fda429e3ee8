using Comet.Journals.Control;
using Comet.Journals.FileSystem;
using Comet.Journals.Maintenance;
using Comet.Journals.Recovery;
using Comet.Journals.Retention;
using Comet.Journals.Segments;

namespace Comet.Journals.Verification;

/// <summary>
/// Makes a damaged journal one that can be opened again, with every record that is whole where it was. A new file takes the place of each
/// damaged one in one step, after a copy of the old one has been kept: at whatever moment this ends, the next repair goes on.
/// </summary>
internal sealed class JournalRepairer
{
    private const string Unfinished = ".repair.tmp";

    private readonly JournalEnvironment _environment;
    private readonly string _directory;
    private readonly IJournalKeyProvider? _keys;
    private readonly bool _dryRun;
    private readonly HashSet<string> _changed = new(StringComparer.Ordinal);
    private readonly KeptAside _aside;
    private readonly List<string> _changes = [];

    public JournalRepairer(JournalEnvironment environment, string directory, IJournalKeyProvider? keys, bool dryRun)
    {
        _environment = environment;
        _directory = directory;
        _keys = keys;
        _dryRun = dryRun;
        _aside = new KeptAside(environment.Files);
    }

    private IFileSystem Files => _environment.Files;

    /// <exception cref="JournalException">Somebody has the journal open, or there is none, or no room for copies.</exception>
    public JournalRepair Run(IProgress<JournalProgress>? progress, CancellationToken cancellationToken)
    {
        // Before anything is created there: a directory without a journal stays as it is.
        _ = new JournalInspector(Files, _directory, _keys, isOurs: false).ReadMetadata();
        var control = Path.Combine(_directory, ControlFile.Name);
        using var locks = _dryRun && !Files.Exists(control) ? null : Files.Open(control, FileOpening.OpenOrCreate);
        if (locks is not null && !locks.TryLock(JournalLock.Session, exclusive: true))
        {
            throw new JournalException(JournalErrorCode.InUse,
                $"The journal in {_directory} is open, here or in another process. Close it everywhere before it is repaired.")
            {
                File = _directory
            };
        }

        var found = new JournalInspector(Files, _directory, _keys, isOurs: true).Run(progress, cancellationToken);
        if (!found.Report.IsWhole)
            Repair(found, locks);
        var remaining = _dryRun ? found.Report.Damages.Where(damage => !_changed.Contains(Path.GetFileName(damage.File))).ToList()
            : found.Report.IsWhole ? []
            : new JournalInspector(Files, _directory, _keys, isOurs: true).Run(null, CancellationToken.None).Report.Damages;
        return new JournalRepair
        {
            Damages = found.Report.Damages, Changes = _changes, KeptAside = _aside.Paths, Remaining = remaining
        };
    }

    private void Repair(JournalInspection found, IJournalFile? locks)
    {
        foreach (var name in found.Doubles)
            Change(PathOf(name), "is set aside", () => _aside.Move(PathOf(name)));
        if (found.JournalId is { } journalId)
        {
            var metadata = found.Metadata ?? new JournalMetadata(journalId, 0, new JournalOptions());
            RepairMetadata(found, metadata);
            RepairSegments(found, metadata);
            RepairPlaces(found, journalId);
            if (!_dryRun && _changes.Count > 0)
                EndSession(metadata, locks!);
        }

        if (!_dryRun)
            Files.FlushDirectory(_directory);
    }

    private void RepairMetadata(JournalInspection found, JournalMetadata metadata)
    {
        if (found.Metadata is not null)
            return;

        var path = PathOf(JournalMetadata.Name);
        Change(path, "is written anew, with the id that the segments have and the default options", () =>
            Replace(path, temporary => (metadata with { Created = found.Segments[0].Header?.Created ?? 0 }).WriteTo(Files, temporary)));
    }

    private void RepairPlaces(JournalInspection found, Guid journalId)
    {
        foreach (var path in found.DamagedFiles.Select(PathOf))
        {
            // What the folders of tiers were nothing else knows.
            if (Path.GetFileName(path) is JournalMetadata.Name or TierFolders.Name)
                continue;
            if (Path.GetFileName(path) != FirstSegmentMark.Name)
            {
                Change(path, "is set aside: the reader of that name begins anew", () => _aside.Move(path));
                continue;
            }

            Change(path, "is written anew: the first segment that is there is the first", () =>
            {
                _aside.Move(path);
                FirstSegmentMark.Write(Files, _directory, journalId, _environment.NextId(),
                    found.Segments.Count > 0 ? found.Segments[0].Number : 1);
            });
        }
    }

    private void RepairSegments(JournalInspection found, JournalMetadata metadata)
    {
        for (var i = 0; i < found.Segments.Count; i++)
        {
            var segment = found.Segments[i];
            if (!segment.IsDamaged || (segment.IsPacked && segment.IsEncrypted))
                continue;

            var behind = FirstSequenceBehind(found, i);
            var repair = new SegmentRepair(Files, metadata.Options, _keys);
            if (segment.Header is not null)
            {
                Change(segment.Path, "is written anew, with padding where there is no whole record", () => Replace(segment,
                    temporary => repair.Write(segment, temporary, behind)));
            }
            else if (i == found.Segments.Count - 1 && segment.Entry is not null)
                Change(segment.Path, "is set aside: the journal ends before it", () => _aside.Move(segment.Path));
            else
            {
                Change(segment.Path, "is written anew, without a record", () => Replace(segment, temporary => repair.WriteEmpty(
                    EntryOf(segment), metadata.JournalId, _environment.NextSalt(), FirstSequenceOf(found, i), behind, temporary)));
            }
        }
    }

    /// <summary>What running processes shared means nothing any more; but first the claims of killed writers are closed by it.</summary>
    private void EndSession(JournalMetadata metadata, IJournalFile locks)
    {
        var session = Files.SessionId;
        if (session != Guid.Empty && ControlFile.TryJoin(locks, metadata.JournalId, session) is { } before)
        {
            using var probe = new LockProbe(Files, Path.Combine(_directory, ControlFile.Name));
            var store = new SegmentStore(_environment, _directory, metadata, metadata.Options);
            if (before is { IsReady: true, IsClean: false })
                KilledWriters.CloseClaims(store, before, probe);
            before.Unmap();
        }

        locks.Write(new byte[ControlFile.HeadLength], 0);
    }

    /// <summary>A segment that was packed is not any more: the file that it is written to has no form.</summary>
    private void Replace(SegmentFinding segment, Action<string> write)
    {
        var path = segment.IsPacked ? segment.Path[..^segment.Entry!.Form.Length] : segment.Path;
        Replace(path, write);
        if (segment.IsPacked)
            _aside.Move(segment.Path);
        Files.FlushDirectory(Path.GetDirectoryName(path)!);
    }

    private void Replace(string path, Action<string> write)
    {
        var temporary = $"{path}{Unfinished}";
        Files.Delete(temporary);
        if (Files.Exists(path))
            _aside.Copy(path);
        write(temporary);
        Files.FlushDirectory(Path.GetDirectoryName(path)!);
        Files.Replace(temporary, path);
        Files.FlushDirectory(Path.GetDirectoryName(path)!);
    }

    private void Change(string path, string what, Action change)
    {
        _changes.Add($"{Path.GetFileName(path)} {what}");
        _changed.Add(Path.GetFileName(path));
        if (!_dryRun)
            change();
    }

    private string PathOf(string name) => Path.Combine(_directory, name);

    private static SegmentEntry EntryOf(SegmentFinding segment)
    {
        if (segment.Entry is { } entry)
            return entry;

        _ = SegmentName.TryParse(Path.GetFileName(segment.Path), out var number, out var cycleStart, out var form);
        return new SegmentEntry(number, cycleStart, segment.Path, form);
    }

    private static long FirstSequenceOf(JournalInspection found, int index)
    {
        for (var i = index - 1; i >= 0; i--)
        {
            if (found.Segments[i].Inspection is { } inspection)
                return inspection.EndsWith ?? inspection.NextSequence;
        }

        return 0;
    }

    private static long FirstSequenceBehind(JournalInspection found, int index) =>
        found.Segments.Skip(index + 1)
            .FirstOrDefault(static each => each is { Header: not null, IsPlaceDamaged: false })?.Header!.FirstSequence
        ?? Math.Max(found.DurableSequence, FirstSequenceOf(found, found.Segments.Count));
}
