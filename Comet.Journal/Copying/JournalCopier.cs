using Comet.Journals.Control;
using Comet.Journals.FileSystem;
using Comet.Journals.Packing;
using Comet.Journals.Places;
using Comet.Journals.Retention;
using Comet.Journals.Segments;

namespace Comet.Journals.Copying;

/// <summary>Copies a journal that others may be writing: everything that was published when it began, up to where no more was published
/// when it came there. Sealed segments are linked where that is possible; all are in the copy's own directory, whatever tier they come
/// from. The control file stays behind, so whoever opens the copy recovers it.</summary>
internal sealed class JournalCopier
{
    // A writer publishes what it has claimed within microseconds, unless it was stopped; what it had claimed is confirmed to nobody.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(1);

    private readonly JournalEnvironment _environment;
    private readonly JournalState _source;
    private readonly string _target;
    private readonly bool _links;
    private readonly CancellationToken _cancellation;
    private readonly List<(long Number, JournalCopyFile File)> _segments = [];
    private readonly List<JournalCopyFile> _others = [];
    private readonly long _started = TimeProvider.System.GetTimestamp();
    private readonly ulong _tail;
    private readonly long _firstLive;
    private long _nextSequence;

    /// <param name="environment">The world.</param>
    /// <param name="source">The journal, opened to be read only.</param>
    /// <param name="target">The directory of the copy, empty or not there.</param>
    /// <param name="links">Whether files may be linked.</param>
    /// <param name="cancellation">Ends it; what was copied is left then.</param>
    public JournalCopier(
        JournalEnvironment environment, JournalState source, string target, bool links, CancellationToken cancellation)
    {
        (_environment, _source, _target, _links, _cancellation) = (environment, source, target, links, cancellation);
        // Before anything else: all that is confirmed by now is in front of this tail.
        (_tail, _firstLive) = ReadControl();
    }

    private IFileSystem Files => _environment.Files;

    private SegmentStore Store => _source.Segments;

    public JournalCopy Run()
    {
        Files.CreateDirectory(_target);
        if (Files.List(_target).Count > 0)
        {
            throw new JournalException(JournalErrorCode.InUse, $"{_target} is not empty, so no journal is copied there. Give an empty "
                + "directory, or one that does not exist.") { File = _target };
        }

        _others.Add(CopySmall(JournalMetadata.Name));
        foreach (var name in Files.List(_source.Directory).Where(IsPlace))
            _others.Add(CopySmall(name));
        CopySegments();
        WriteFirst();
        Files.FlushDirectory(_target);
        Check();
        return new JournalCopy(_nextSequence - 1, [.. _others, .. _segments.Select(static segment => segment.File)]);
    }

    private static bool IsPlace(string name) => name.EndsWith(NamedReaders.Extension, StringComparison.Ordinal);

    private (ulong Tail, long FirstLive) ReadControl()
    {
        var path = Path.Combine(_source.Directory, ControlFile.Name);
        if (Files.SessionId == Guid.Empty || !Files.Exists(path))
            return default;
        using var control = Files.Open(path, FileOpening.Read);
        return ControlFile.IsOf(control, _source.Metadata.JournalId, Files.SessionId)
            ? (ControlFile.ReadTail(control), ControlFile.ReadDurable(control).Place.Segment)
            : default;
    }

    private void CopySegments()
    {
        var next = Store.Catalog.Refresh() is [var first, ..] ? first : null;
        Store.Catalog.RequireReachable();
        // On to segments that were begun meanwhile: a packed one is never the last of a journal.
        for (var goesOn = true; next is not null && goesOn; next = Store.Catalog.After(next.Number))
        {
            _cancellation.ThrowIfCancellationRequested();
            while (Store.Catalog.FindAgain(next.Number) is { } entry && !TryCopy(entry, out goesOn))
            {
                // It has changed its form or place meanwhile.
            }

            if (Store.IsRemoved(next.Number))
                ForgetSegments();
        }
    }

    // Retention has removed them from the front: those before are gone, too, and the copy has no gap.
    private void ForgetSegments()
    {
        foreach (var (_, file) in _segments)
            Files.Delete(Path.Combine(_target, file.Name));
        _segments.Clear();
    }

    /// <summary>Copies a segment; false when it is not there any more as it was.</summary>
    private bool TryCopy(SegmentEntry entry, out bool goesOn)
    {
        goesOn = true;
        try
        {
            if (entry.Form.Length > 0 || entry.Number < _firstLive)
                CopySealed(entry);
            else
                goesOn = CopyLive(entry);
            return true;
        }
        catch (JournalException gone) when (gone.Code == JournalErrorCode.NotFound)
        {
            return false;
        }
    }

    private void CopySealed(SegmentEntry entry)
    {
        var name = Path.GetFileName(entry.Path);
        var path = Path.Combine(_target, name);
        var isLinked = _links && Files.TryLink(entry.Path, path);
        if (!isLinked)
            SegmentCopy.Run(Files, entry.Path, path, _environment.NextId(), _cancellation);
        _segments.Add((entry.Number, new(name, LengthOf(path), isLinked)));
    }

    private bool CopyLive(SegmentEntry entry)
    {
        var segment = Store.Open(entry.Number);
        try
        {
            var live = new LiveSegment(segment, _source.Unattended!, position => IsWanted(entry.Number, position));
            live.Look();
            var name = Path.GetFileName(entry.Path);
            live.Copy(Files, Path.Combine(_target, name), _cancellation);
            _nextSequence = live.NextSequence;
            _segments.Add((entry.Number, new(name, segment.Layout.FileLength, false)));
            return live.IsOver;
        }
        finally
        {
            segment.Release();
        }
    }

    /// <summary>Whether to wait for what was claimed before the copy began and is not published: behind it may be what was
    /// confirmed.</summary>
    private bool IsWanted(long segment, long position)
    {
        if (_tail == 0 || !_source.Unattended!.IsAttended() || !TailWord.IsBefore(TailWord.Of(segment, position, 0), _tail)
            || TimeProvider.System.GetElapsedTime(_started) > s_patience)
            return false;
        _cancellation.ThrowIfCancellationRequested();
        using var pause = new SemaphoreSlim(0);
        pause.Wait(s_pause, _cancellation);
        return true;
    }

    private JournalCopyFile CopySmall(string name)
    {
        var path = Path.Combine(_target, name);
        SegmentCopy.Run(Files, Path.Combine(_source.Directory, name), path, _environment.NextId(), _cancellation);
        return new(name, LengthOf(path), false);
    }

    private void WriteFirst()
    {
        if (_segments is not [(> 1 and var first, _), ..])
            return;
        FirstSegmentMark.Write(Files, _target, _source.Metadata.JournalId, _environment.NextId(), first);
        _others.Add(new(FirstSegmentMark.Name, LengthOf(Path.Combine(_target, FirstSegmentMark.Name)), false));
    }

    private long LengthOf(string path)
    {
        using var file = Files.Open(path, FileOpening.Read);
        return file.Length;
    }

    /// <summary>Reads the end of the copy as whoever opens it will.</summary>
    private void Check()
    {
        if (_segments is not [.., (_, var last)] || last.Name.EndsWith(PackedSegmentReader.Form, StringComparison.Ordinal))
            return;
        using var copy = Journal.Open(_environment, _target, new JournalOptions { Access = JournalAccess.ReadOnly });
        if (copy.LastSequence is var found && found != _nextSequence - 1)
        {
            throw new JournalException(JournalErrorCode.Corrupt,
                $"The copy of {_source.Directory} in {_target} ends with sequence {found} instead of {_nextSequence - 1}. Do not use it; "
                + "look at the journal with 'comet journal verify'.") { File = _target };
        }
    }
}
