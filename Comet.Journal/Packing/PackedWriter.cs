using Comet.Checksums;
using Comet.Journals.FileSystem;
using Comet.Journals.Segments;

namespace Comet.Journals.Packing;

/// <summary>Writes a packed segment block by block into a file that has no segment's name yet, makes it durable, and reads all of it
/// again.</summary>
internal sealed class PackedWriter : IDisposable
{
    // Small enough that the flush of a writer nearby does not wait long behind this one's.
    private const long FlushEvery = 4 * 1024 * 1024;

    private readonly PackSettings _settings;
    private readonly PackedHeader _header;
    private readonly BlockCipher? _cipher;
    private readonly IJournalFile _file;
    private readonly PinnedBuffer _packed = new();
    private readonly PinnedBuffer _encrypted = new();
    private readonly List<PackedBlock> _blocks = [];
    private readonly List<uint> _contents = [];
    private long _at;
    private long _flushed;

    public PackedWriter(IFileSystem files, string path, SegmentHeader segment, PackSettings settings)
    {
        _settings = settings;
        _header = SegmentKeys.Encrypted(new PackedHeader { Codec = settings.Codec, Segment = segment }, settings.Keys);
        var bytes = _header.ToBytes();
        _cipher = SegmentKeys.CipherOf(_header, bytes, settings.Keys, path);
        try
        {
            _file = files.Open(path, FileOpening.Create);
            _file.Write(bytes, 0);
            _at = bytes.Length;
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Adds a block of whole records.</summary>
    /// <param name="raw">Its bytes.</param>
    /// <param name="position">Where they are in the segment.</param>
    /// <param name="sequence">The sequence after that of the last record before it.</param>
    /// <param name="timeBefore">The greatest time before it.</param>
    public void Add(ReadOnlySpan<byte> raw, long position, long sequence, long timeBefore)
    {
        var packed = _packed.Take(BlockCodec.MaxLength(_settings.Codec, raw.Length));
        var length = BlockCodec.Compress(_settings.Codec, _settings.Level, raw, packed);
        var stored = length > 0 ? packed[..length] : raw;
        if (_cipher is not null)
        {
            var encrypted = _encrypted.Take(stored.Length + BlockCipher.TagLength);
            _cipher.Encrypt(_blocks.Count, stored, encrypted);
            stored = encrypted;
        }

        _file.Write(stored, _at);
        _blocks.Add(new PackedBlock(position, sequence, timeBefore, _at, stored.Length, length > 0, Crc32C.Compute(stored)));
        _contents.Add(Crc32C.Compute(raw));
        _at += stored.Length;
        if (_at - _flushed < FlushEvery)
            return;

        _file.FlushData();
        _flushed = _at;
    }

    /// <summary>Ends the file and makes it durable; returns its length.</summary>
    /// <param name="end">The position behind the end mark.</param>
    /// <param name="lastTime">The greatest time of a record.</param>
    public long Finish(long end, long lastTime)
    {
        var table = new byte[_blocks.Count * PackedBlock.EntryLength];
        for (var i = 0; i < _blocks.Count; i++)
            _blocks[i].Write(table.AsSpan(i * PackedBlock.EntryLength));
        var length = table.Length + (_cipher is null ? 0 : BlockCipher.TagLength);
        var trailer = new PackedTrailer(_at, end, lastTime, _blocks.Count, length, 0);
        var stored = table;
        if (_cipher is not null)
        {
            stored = new byte[length];
            _cipher.Encrypt(BlockCipher.TableNumber, table, stored, trailer.ToBytes().AsSpan(0, PackedTrailer.AuthenticatedLength));
        }

        _file.Write(stored, _at);
        _file.Write((trailer with { TableCrc = Crc32C.Compute(stored) }).ToBytes(), _at + length);
        _file.FlushData();
        return _at + length + PackedTrailer.Length;
    }

    /// <summary>Reads all of it as a reader will: the original is not given up for something that cannot be read.</summary>
    public void Verify(IFileSystem files)
    {
        using var packed = PackedFile.Open(files, _file.Path, _settings.Keys);
        var buffer = new PinnedBuffer();
        for (var i = 0; i < _contents.Count; i++)
        {
            if (Crc32C.Compute(packed.Read(i, buffer)) != _contents[i])
                throw PackedFile.Damaged(_file.Path, packed.Blocks[i].StoredAt, "does not hold what was just packed");
        }
    }

    public void Dispose()
    {
        _cipher?.Dispose();
        _file?.Dispose();
    }
}
