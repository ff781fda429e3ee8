using Comet.Journals.Control;
using Comet.Journals.FileSystem;
using Comet.Journals.Maintenance;
using Comet.Journals.Packing;
using Comet.Journals.Places;
using Comet.Journals.Preparation;
using Comet.Journals.Retention;

namespace Comet.Journals.Segments;

/// <summary>Opens and creates the files of segments, and keeps each mapped once while it is in use.</summary>
internal sealed class SegmentStore
{
    private const int MaxForgotten = 16;

    // From hot to packed to cool to cold, each of which may happen between a look at the folders and opening.
    private const int MaxChanges = 8;

    private readonly Lock _gate = new();
    private readonly Dictionary<long, MappedSegment> _open = [];
    private readonly JournalEnvironment _environment;
    private readonly JournalMetadata _metadata;
    private readonly JournalOptions _options;

    public SegmentStore(JournalEnvironment environment, string directory, JournalMetadata metadata, JournalOptions options)
    {
        _environment = environment;
        _metadata = metadata;
        _options = options;
        Directory = directory;
        Catalog = new SegmentCatalog(environment.Files, () => Folders, () => FirstKept);
        SpareFiles = new SpareFiles(directory, environment);
        Spares = new SpareSegments(MakeSpare, Files.Delete, () => Preparer!.SpareGoal, environment.Background);
        Preparer = new PagePreparer(environment.Background, Spares, NextLength, environment.LeastAhead);
    }

    public IFileSystem Files => _environment.Files;

    public string Directory { get; }

    public Guid JournalId => _metadata.JournalId;

    public IJournalKeyProvider? Keys => _options.Keys;

    public SegmentCatalog Catalog { get; }

    /// <summary>Where segments may be: the journal's own directory first.</summary>
    public IReadOnlyList<string> Folders => TierFolders.Read(Files, Directory, _metadata.JournalId);

    public JournalEvents Events => _environment.Events;

    public SpareFiles SpareFiles { get; }

    public SpareSegments Spares { get; }

    public PagePreparer Preparer { get; }

    /// <summary>The number of the first segment that is kept; 0 when none was ever removed.</summary>
    public long FirstKept => FirstSegmentMark.Read(Files, Directory, _metadata.JournalId);

    public RestingSegments Resting { get; } = new();

    /// <summary>Part of a name for a file that nobody else has.</summary>
    public Guid NextId() => _environment.NextId();

    /// <summary>A segment in the form it was written in, kept for the caller, who releases it.</summary>
    /// <exception cref="JournalException">It is not there, or not in that form any more: all of it is durable then, and nobody writes
    /// it.</exception>
    public MappedSegment Open(long number)
    {
        lock (_gate)
        {
            if (_open.TryGetValue(number, out var segment) && segment.TryKeep())
                return segment;

            if (Catalog.Find(number) is not { Form.Length: 0 } entry)
                throw Missing(number);

            segment = _options.Access == JournalAccess.ReadOnly
                ? MappedSegment.Open(Files, entry.Path, writable: false)
                : MappedSegment.Open(Files, entry.Path, writable: true, Preparer);
            RequireOurs(segment, number);
            Remember(segment);
            return segment;
        }
    }

    /// <summary>As <see cref="Open"/>; null when it is not there in that form.</summary>
    public MappedSegment? TryOpen(long number)
    {
        try
        {
            return Open(number);
        }
        catch (JournalException gone) when (gone.Code == JournalErrorCode.NotFound)
        {
            return null;
        }
    }

    /// <summary>Whether a segment was removed from the front.</summary>
    public bool IsRemoved(long number) => number < FirstKept;

    /// <summary>Opens a segment to read it, in whatever form and wherever it is by now.</summary>
    /// <exception cref="JournalException">It was removed (<see cref="JournalErrorCode.NotFound"/>), or cannot be read.</exception>
    /// <param name="entry">The segment.</param>
    /// <param name="readsOnce">As <see cref="JournalReader.ReadsOnce"/>.</param>
    public ISegmentReader OpenReader(SegmentEntry entry, bool readsOnce = false)
    {
        for (var changes = 0; ; changes++)
        {
            try
            {
                return OpenForm(entry, readsOnce);
            }
            catch (JournalException gone) when (gone.Code == JournalErrorCode.NotFound && changes < MaxChanges)
            {
                entry = Catalog.FindAgain(entry.Number) ?? throw Missing(entry.Number);
            }
        }
    }

    /// <summary>Creates the segment after <paramref name="last"/> or opens it, when somebody else was first; kept for the caller.</summary>
    /// <param name="last">The last segment, or null for the first of all.</param>
    /// <param name="firstSequence">The first sequence in it, as agreed.</param>
    /// <param name="cycleStart">The start of its cycle, as agreed: it makes the name, and the name is taken only once.</param>
    /// <param name="durable">Up to where the journal is durable.</param>
    /// <param name="recordSize">What must fit in.</param>
    /// <param name="used">How many bytes of the last segment have been used: an idle journal's segments stay small.</param>
    public MappedSegment Create(
        MappedSegment? last, long firstSequence, long cycleStart, JournalPlace durable, long recordSize, long used)
    {
        var number = (last?.Number ?? 0) + 1;
        var wanted = last is null ? _options.FirstSegmentLength : NextLength(used);
        var name = SegmentName.Of(number, cycleStart);
        var path = Path.Combine(Directory, name);
        var segment = Files.Exists(path) ? null : Adopt(path, wanted, SegmentLayout.LengthFor(recordSize),
            spare => WritePlace(spare.File, number, firstSequence, cycleStart, durable));
        Catalog.Add(new SegmentEntry(number, cycleStart, path, ""));
        if (segment is null)
            return Open(number);

        if (last is not null)
            Events.Raise(new JournalEvent(JournalEventKind.Sealed, last.Number, last.File.Path));
        Events.Raise(new JournalEvent(JournalEventKind.Opened, number, path));
        return segment;
    }

    /// <summary>Has the next segment ready soon, because the cycle of the active one is nearly over.</summary>
    /// <param name="used">How many bytes of it have been used.</param>
    public void PrepareNext(long used) => Spares.Request(NextLength(used), 1);

    /// <summary>Creates the segment that a journal begins or goes on with when nobody has it open; kept for the caller.</summary>
    public MappedSegment CreateFirst(MappedSegment? last, long firstSequence, JournalPlace durable)
    {
        var now = Records.UnixTicks.Of(_options.TimeProvider.GetUtcNow());
        var cycle = Math.Max(_options.RollCycle.Around(now).Start, last?.Header.CycleStart ?? 0);
        return Create(last, firstSequence, cycle, durable, 0, 0);
    }

    /// <summary>Deletes what unfinished creations of dead processes left. The caller holds the session alone.</summary>
    public void DeleteLeftovers()
    {
        foreach (var name in Files.List(Directory))
        {
            if (name.EndsWith(".tmp", StringComparison.Ordinal) && (SpareFiles.IsOne(name)
                || name.StartsWith(JournalMetadata.Name, StringComparison.Ordinal) || PlaceFile.IsUnfinished(name)
                || name.StartsWith(TierFolders.Name, StringComparison.Ordinal)))
                Files.Delete(Path.Combine(Directory, name));
        }
    }

    /// <summary>Makes a spare the segment of a name; null, and the spare is kept, when somebody else was first.</summary>
    private MappedSegment? Adopt(string path, long wanted, long needed, Func<SpareSegment, SegmentHeader> writePlace)
    {
        var spare = TakeSpare(wanted, needed);
        try
        {
            var header = writePlace(spare);
            if (!Files.TryRename(spare.File.Path, path))
            {
                Spares.Return(spare);
                return null;
            }

            // Under its new name from now on; the mapping, with its pages, stays.
            var file = new SegmentFile(Files, path, null, writable: true);
            if (!spare.Mapping.FlushesRanges)
                file.Open();
            var segment = new MappedSegment(file, spare.Mapping, header, Preparer, spare.Prepared, spare.IsFilled);
            spare.File.Dispose();
            lock (_gate)
                Remember(segment);
            return segment;
        }
        catch
        {
            // Whether it has its new name by now is not known: one file must not become two segments.
            Spares.Discard(spare);
            throw;
        }
    }

    /// <summary>A spare as long as is wanted, or as there is room for: on a disk that is nearly full, a short segment is better than
    /// none.</summary>
    private SpareSegment TakeSpare(long wanted, long needed)
    {
        var least = Math.Max(needed, Math.Min(wanted, _options.FirstSegmentLength));
        for (var length = Math.Max(wanted, needed); ; length = Math.Max(least, SegmentLayout.RoundUp(length / 2, SegmentLayout.PageLength)))
        {
            try
            {
                return Spares.Take(length);
            }
            catch (JournalException full) when (full.Code == JournalErrorCode.StorageFull && length > least)
            {
                // There may be room for half of it.
            }
        }
    }

    private ISegmentReader OpenForm(SegmentEntry entry, bool readsOnce)
    {
        if (entry.Form.Length == 0)
        {
            return new MappedSegmentReader(Open(entry.Number), Catalog.After(entry.Number) is not null, Resting)
            {
                ReadsOnce = readsOnce
            };
        }

        if (entry.Form != PackedSegmentReader.Form)
        {
            throw new JournalException(JournalErrorCode.UnsupportedFormat,
                $"{entry.Path} is in a form that this release does not read. It was left untouched: use a newer release.")
            {
                File = entry.Path
            };
        }

        var packed = PackedSegmentReader.Open(Files, entry.Path, _options.Keys);
        return IsOurs(packed.Header, entry.Number) ? packed : throw NotOurs(packed, entry.Path, entry.Number);
    }

    private JournalException Missing(long number) => new(JournalErrorCode.NotFound,
        $"Segment {number} of {Directory} is not there. It was deleted, or its file was moved by hand.");

    // The caller holds the gate. Segments that are not in use any more are forgotten now and then.
    private void Remember(MappedSegment segment)
    {
        if (_open.Count >= MaxForgotten)
        {
            foreach (var (number, _) in _open.Where(static each => !each.Value.IsInUse).ToList())
                _open.Remove(number);
        }

        _open[segment.Number] = segment;
    }

    // Allocated and with its identity durable: what remains to be done when it is needed waits for no disk.
    private SpareSegment MakeSpare(long length)
    {
        var path = SpareFiles.Next();
        var file = Files.Open(path, FileOpening.Create);
        IFileMapping? mapping = null;
        try
        {
            file.Preallocate(length);
            var header = new SegmentHeader
            {
                JournalId = _metadata.JournalId,
                FileLength = length,
                Salt = _environment.NextSalt(),
                Created = Records.UnixTicks.Of(_options.TimeProvider.GetUtcNow())
            };
            Span<byte> sector = stackalloc byte[SegmentHeader.SectorLength];
            header.WriteIdentity(sector);
            file.Write(sector, 0);
            mapping = file.Map(length, writable: true);
            // The zeros of prepared pages go to the disk with the flush.
            var ready = Preparer.WritesZeros ? Math.Min(length, Preparer.Ahead) : 0;
            SegmentPages.Populate(mapping, 0, ready);
            file.FlushData();
            return new SpareSegment(file, mapping, ready);
        }
        catch
        {
            mapping?.Dispose();
            file.Dispose();
            Files.Delete(path);
            throw;
        }
    }

    private SegmentHeader WritePlace(IJournalFile file, long number, long firstSequence, long cycleStart, JournalPlace durable)
    {
        Span<byte> sector = stackalloc byte[SegmentHeader.SectorLength];
        _ = file.Read(sector, 0);
        var header = SegmentHeader.ReadIdentity(sector, file.Path) with
        {
            Number = number,
            FirstSequence = firstSequence,
            CycleStart = cycleStart,
            CycleEnd = _options.RollCycle.Around(cycleStart).End,
            DurableBefore = durable
        };
        header.WritePlace(sector);
        file.Write(sector, SegmentHeader.SectorLength);
        return header;
    }

    // Four times as long while segments fill up; shorter again when the last cycle needed little.
    private long NextLength(long used) => Math.Min(
        SegmentLayout.RoundUp(Math.Max(_options.FirstSegmentLength, used * 4), SegmentLayout.PageLength), _options.MaxSegmentLength);

    private void RequireOurs(MappedSegment segment, long number)
    {
        if (!IsOurs(segment.Header, number))
            throw NotOurs(new MappedSegmentReader(segment, isOver: false), segment.File.Path, number);
    }

    private bool IsOurs(SegmentHeader header, long number) => header.JournalId == _metadata.JournalId && header.Number == number;

    private static JournalException NotOurs(ISegmentReader opened, string path, long number)
    {
        opened.Dispose();
        return new JournalException(JournalErrorCode.Corrupt,
            $"{path} is not segment {number} of this journal: it was renamed, or copied from another one. Move it away.")
        {
            File = path,
            FilePosition = 0
        };
    }
}
