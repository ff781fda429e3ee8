using Comet.Journals.Control;
using Comet.Journals.FileSystem;
using Comet.Journals.Places;
using Comet.Journals.Retention;

namespace Comet.Journals.Segments;

/// <summary>Opens and creates the files of segments, and keeps each mapped once while it is in use.</summary>
internal sealed class SegmentStore(JournalEnvironment environment, string directory, JournalMetadata metadata, JournalOptions options)
{
    private const string SpareStart = "spare-";

    private readonly Lock _gate = new();
    private readonly Dictionary<long, MappedSegment> _open = [];

    public IFileSystem Files => environment.Files;

    public string Directory => directory;

    public SegmentCatalog Catalog { get; } = new(
        environment.Files, [directory], () => FirstSegmentMark.Read(environment.Files, directory, metadata.JournalId));

    /// <summary>Part of a name for a file that nobody else has.</summary>
    public Guid NextId() => environment.NextId();

    /// <summary>A segment, kept for the caller, who releases it.</summary>
    public MappedSegment Open(long number)
    {
        lock (_gate)
        {
            if (_open.TryGetValue(number, out var segment) && segment.TryKeep())
                return segment;

            var entry = Catalog.Find(number) ?? throw new JournalException(JournalErrorCode.NotFound,
                $"Segment {number} of {directory} is not there. It was deleted, or its file was moved by hand.");
            segment = MappedSegment.Open(Files, entry.Path, options.Access != JournalAccess.ReadOnly);
            RequireOurs(segment, number);
            _open[number] = segment;
            return segment;
        }
    }

    /// <summary>Opens a segment to read it, in whatever form it is.</summary>
    public ISegmentReader OpenReader(SegmentEntry entry) => entry.Form switch
    {
        "" => new MappedSegmentReader(Open(entry.Number)),
        _ => throw new JournalException(JournalErrorCode.UnsupportedFormat,
            $"{entry.Path} is in a form that this release does not read. It was left untouched: use a newer release.") { File = entry.Path }
    };

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
        var length = Math.Max(NextLength(last, used), SegmentLayout.LengthFor(recordSize));
        var name = SegmentName.Of(number, cycleStart);
        var path = Path.Combine(directory, name);
        if (!Files.Exists(path))
        {
            using var spare = MakeSpare(length);
            var renamed = false;
            try
            {
                WritePlace(spare, number, firstSequence, cycleStart, durable);
                renamed = Files.TryRename(spare.Path, path);
            }
            finally
            {
                if (!renamed)
                    Files.Delete(spare.Path);
            }
        }

        Catalog.Add(new SegmentEntry(number, cycleStart, path, ""));
        return Open(number);
    }

    /// <summary>Creates the segment that a journal begins or goes on with when nobody has it open; kept for the caller.</summary>
    public MappedSegment CreateFirst(MappedSegment? last, long firstSequence, JournalPlace durable)
    {
        var now = Records.UnixTicks.Of(options.TimeProvider.GetUtcNow());
        var cycle = Math.Max(options.RollCycle.Around(now).Start, last?.Header.CycleStart ?? 0);
        return Create(last, firstSequence, cycle, durable, 0, 0);
    }

    /// <summary>Deletes what unfinished creations of dead processes left. The caller holds the session alone.</summary>
    public void DeleteLeftovers()
    {
        foreach (var name in Files.List(directory))
        {
            if (name.EndsWith(".tmp", StringComparison.Ordinal) && (name.StartsWith(SpareStart, StringComparison.Ordinal)
                || name.StartsWith(JournalMetadata.Name, StringComparison.Ordinal) || PlaceFile.IsUnfinished(name)))
                Files.Delete(Path.Combine(directory, name));
        }
    }

    // Allocated and with its identity durable: what remains to be done when it is needed waits for no disk.
    private IJournalFile MakeSpare(long length)
    {
        var path = Path.Combine(directory, $"{SpareStart}{environment.NextId():N}.tmp");
        var file = Files.Open(path, FileOpening.Create);
        try
        {
            file.Preallocate(length);
            var header = new SegmentHeader
            {
                JournalId = metadata.JournalId,
                FileLength = length,
                Salt = environment.NextSalt(),
                Created = Records.UnixTicks.Of(options.TimeProvider.GetUtcNow())
            };
            Span<byte> sector = stackalloc byte[SegmentHeader.SectorLength];
            header.WriteIdentity(sector);
            file.Write(sector, 0);
            file.FlushData();
            return file;
        }
        catch
        {
            file.Dispose();
            Files.Delete(path);
            throw;
        }
    }

    private void WritePlace(IJournalFile file, long number, long firstSequence, long cycleStart, JournalPlace durable)
    {
        Span<byte> sector = stackalloc byte[SegmentHeader.SectorLength];
        _ = file.Read(sector, 0);
        var header = SegmentHeader.ReadIdentity(sector, file.Path) with
        {
            Number = number,
            FirstSequence = firstSequence,
            CycleStart = cycleStart,
            CycleEnd = options.RollCycle.Around(cycleStart).End,
            DurableBefore = durable
        };
        header.WritePlace(sector);
        file.Write(sector, SegmentHeader.SectorLength);
    }

    // Four times as long while segments fill up; shorter again when the last cycle needed little.
    private long NextLength(MappedSegment? last, long used)
    {
        if (last is null)
            return options.FirstSegmentLength;

        var wanted = SegmentLayout.RoundUp(Math.Max(options.FirstSegmentLength, used * 4), 4096);
        return Math.Min(wanted, options.MaxSegmentLength);
    }

    private void RequireOurs(MappedSegment segment, long number)
    {
        if (segment.Header.JournalId == metadata.JournalId && segment.Number == number)
            return;

        var path = segment.File.Path;
        segment.Release();
        throw new JournalException(JournalErrorCode.Corrupt,
            $"{path} is not segment {number} of this journal: it was renamed, or copied from another one. Move it away.")
        {
            File = path,
            FilePosition = 0
        };
    }
}
