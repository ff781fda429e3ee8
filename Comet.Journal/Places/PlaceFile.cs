using System.Buffers.Binary;
using Comet.Checksums;
using Comet.Journals.FileSystem;
using Comet.Journals.Retention;

namespace Comet.Journals.Places;

/// <summary>
/// A few numbers that change and are never lost: three copies in one file, each in a page of its own with a generation and a CRC, the
/// whole one of the highest generation counts. The copy that was flushed last and the one that was written last are never written over,
/// so that neither a kill nor a power cut at any moment leaves none.
/// </summary>
/// <remarks><code>
/// at 0, 4096 and 8192: magic u64 | version u32 | zero u32 | journal id 16 bytes | generation i64 | 40 five i64 | ... zeros ... | 508 crc
/// u32
/// </code></remarks>
internal sealed class PlaceFile : IDisposable
{
    public const int ValueCount = 5;

    private const int Copies = 3;
    private const int PageLength = 4096;
    private const int SectorLength = 512;
    private const int ValuesAt = 40;
    private const int CrcAt = SectorLength - sizeof(uint);
    private const int Version = 1;

    // "CometPlc" as it stands in the file.
    private const ulong Magic = 0x636C5074656D6F43;

    private readonly IJournalFile _file;
    private readonly Guid _journalId;
    private readonly Lock _gate = new();
    private readonly long[] _values = new long[ValueCount];
    private long _generation;
    private int _last;
    private int _durable;
    private JournalException? _fault;

    private PlaceFile(IJournalFile file, Guid journalId)
    {
        _file = file;
        _journalId = journalId;
    }

    /// <summary>Whether a name is that of a file whose creation was cut off.</summary>
    public static bool IsUnfinished(string name) => name.Contains($"{NamedReaders.Extension}.", StringComparison.Ordinal)
        || name.StartsWith($"{FirstSegmentMark.Name}.", StringComparison.Ordinal);

    /// <summary>Creates a file that is durable, with its name, when this returns; or leaves the one that is there.</summary>
    public static void Create(IFileSystem files, string path, Guid journalId, Guid unique, ReadOnlySpan<long> values)
    {
        var temporary = $"{path}.{unique:N}.tmp";
        using (var file = files.Open(temporary, FileOpening.Create))
        {
            file.Preallocate(Copies * PageLength);
            using var place = new PlaceFile(file, journalId);
            place.Write(values);
            place.Flush();
        }

        if (!files.TryRename(temporary, path))
            files.Delete(temporary);
        files.FlushDirectory(Path.GetDirectoryName(path)!);
    }

    /// <summary>The values in a file; null when there is none.</summary>
    /// <exception cref="JournalException">The file is damaged, or of another journal or version.</exception>
    public static long[]? TryRead(IFileSystem files, string path, Guid journalId)
    {
        if (!files.Exists(path))
            return null;

        try
        {
            using var file = files.Open(path, FileOpening.Read);
            using var place = new PlaceFile(file, journalId);
            place.Load();
            return place._values;
        }
        catch (JournalException gone) when (gone.Code == JournalErrorCode.NotFound)
        {
            return null;
        }
    }

    /// <summary>Opens a file to change it, under its lock; null when another has it open.</summary>
    /// <exception cref="JournalException">There is none, or it is damaged, or of another journal or version.</exception>
    public static PlaceFile? TryOpen(IFileSystem files, string path, Guid journalId)
    {
        var place = new PlaceFile(files.Open(path, FileOpening.ReadWrite), journalId);
        try
        {
            if (!place._file.TryLock(0, exclusive: true))
            {
                place.Dispose();
                return null;
            }

            place.Load();
            place.MakeDurable();
            return place;
        }
        catch
        {
            place.Dispose();
            throw;
        }
    }

    public void Read(Span<long> values)
    {
        lock (_gate)
            _values.CopyTo(values);
    }

    /// <summary>Changes the values: safe from now on when the process is killed.</summary>
    public void Write(ReadOnlySpan<long> values)
    {
        Span<byte> sector = stackalloc byte[SectorLength];
        lock (_gate)
        {
            RequireWhole();
            Compose(sector, _generation + 1, values);
            var copy = 0;
            while (copy == _last || copy == _durable)
                copy++;
            Try(sector, copy);
            (_last, _generation) = (copy, _generation + 1);
            values.CopyTo(_values);
        }
    }

    /// <summary>Makes what was written last safe from a power cut.</summary>
    /// <exception cref="JournalException">It failed; what of it is on the disk is unknown, and the file refuses to be changed until it is
    /// opened again.</exception>
    public void Flush()
    {
        lock (_gate)
        {
            RequireWhole();
            Try(default, 0);
            _durable = _last;
        }
    }

    public void Dispose() => _file.Dispose();

    /// <summary>Has what was read be the copy to be kept. It is written again where it is before: after a flush that failed the page cache
    /// may hold what the disk does not, and would not write it.</summary>
    private void MakeDurable()
    {
        Span<byte> sector = stackalloc byte[SectorLength];
        lock (_gate)
        {
            Compose(sector, _generation, _values);
            Try(sector, _last);
            Flush();
        }
    }

    private void Compose(Span<byte> sector, long generation, ReadOnlySpan<long> values)
    {
        sector.Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(sector, Magic);
        BinaryPrimitives.WriteInt32LittleEndian(sector[8..], Version);
        _journalId.TryWriteBytes(sector[16..]);
        BinaryPrimitives.WriteInt64LittleEndian(sector[32..], generation);
        for (var i = 0; i < ValueCount; i++)
            BinaryPrimitives.WriteInt64LittleEndian(sector[(ValuesAt + (i * sizeof(long)))..], values[i]);
        BinaryPrimitives.WriteUInt32LittleEndian(sector[CrcAt..], ~Crc32C.Append(uint.MaxValue, sector[..CrcAt]));
    }

    private void Try(ReadOnlySpan<byte> sector, int copy)
    {
        try
        {
            if (sector.IsEmpty)
                _file.FlushData();
            else
                _file.Write(sector, (long)copy * PageLength);
        }
        catch (JournalException failed)
        {
            _fault = new JournalException(JournalErrorCode.Faulted,
                $"{failed.Message} The place in {_file.Path} that was to be kept is unknown; close it and open it again.", failed)
            {
                File = _file.Path
            };
            throw _fault;
        }
    }

    private void RequireWhole()
    {
        if (_fault is { } fault)
            throw new JournalException(fault.Code, fault.Message, fault) { File = fault.File };
    }

    private void Load()
    {
        Span<byte> sector = stackalloc byte[SectorLength];
        for (var copy = 0; copy < Copies; copy++)
        {
            if (_file.Read(sector, (long)copy * PageLength) == SectorLength && IsWhole(sector)
                && BinaryPrimitives.ReadInt64LittleEndian(sector[32..]) is var generation && generation > _generation)
            {
                (_generation, _last, _durable) = (generation, copy, copy);
                for (var i = 0; i < ValueCount; i++)
                    _values[i] = BinaryPrimitives.ReadInt64LittleEndian(sector[(ValuesAt + (i * sizeof(long)))..]);
            }
        }

        if (_generation == 0)
        {
            throw new JournalException(JournalErrorCode.Corrupt,
                $"{_file.Path} is damaged or of another journal. Restore it from a copy, or delete it: what it remembers is lost then.")
            {
                File = _file.Path,
                FilePosition = 0
            };
        }
    }

    private bool IsWhole(ReadOnlySpan<byte> sector) =>
        BinaryPrimitives.ReadUInt64LittleEndian(sector) == Magic
        && BinaryPrimitives.ReadUInt32LittleEndian(sector[CrcAt..]) == ~Crc32C.Append(uint.MaxValue, sector[..CrcAt])
        && RequireVersion(BinaryPrimitives.ReadInt32LittleEndian(sector[8..]))
        && new Guid(sector[16..32]) == _journalId;

    private bool RequireVersion(int version) => version == Version ? true : throw new JournalException(
        JournalErrorCode.UnsupportedFormat,
        $"{_file.Path} has the format version {version}; this release knows version {Version}. It was left untouched: use a newer release.")
    {
        File = _file.Path
    };
}
