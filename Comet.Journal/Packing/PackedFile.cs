using Comet.Checksums;
using Comet.Journals.FileSystem;

namespace Comet.Journals.Packing;

/// <summary>A packed segment's file, opened: its header and table, checked, and its blocks on demand. Used by one thread at a
/// time.</summary>
internal sealed class PackedFile : IDisposable
{
    private readonly IJournalFile _file;
    private readonly BlockCipher? _cipher;
    private readonly PackedBlock[] _blocks;
    private readonly PinnedBuffer _stored = new();
    private readonly PinnedBuffer _plain = new();

    private PackedFile(IJournalFile file, PackedHeader header, PackedTrailer trailer, BlockCipher? cipher, PackedBlock[] blocks)
    {
        _file = file;
        Header = header;
        Trailer = trailer;
        _cipher = cipher;
        _blocks = blocks;
    }

    public string Path => _file.Path;

    public long Length => Trailer.TableAt + Trailer.TableLength + PackedTrailer.Length;

    public PackedHeader Header { get; }

    public PackedTrailer Trailer { get; }

    public IReadOnlyList<PackedBlock> Blocks => _blocks;

    /// <exception cref="JournalException">It is damaged, of an unknown kind, or encrypted with a key that is not known.</exception>
    public static PackedFile Open(IFileSystem files, string path, IJournalKeyProvider? keys)
    {
        var file = files.Open(path, FileOpening.Read);
        BlockCipher? cipher = null;
        try
        {
            var bytes = new byte[PackedHeader.Length];
            var end = new byte[PackedTrailer.Length];
            var (header, trailer) = ReadEnds(file, bytes, end);
            cipher = SegmentKeys.CipherOf(header, bytes, keys, path);
            return new PackedFile(file, header, trailer, cipher, ReadTable(file, header, trailer, end, cipher));
        }
        catch
        {
            cipher?.Dispose();
            file.Dispose();
            throw;
        }
    }

    /// <summary>Reads the header and the trailer, which takes no key.</summary>
    /// <exception cref="JournalException">One is damaged, or of an unknown kind.</exception>
    public static (PackedHeader Header, PackedTrailer Trailer) Peek(IFileSystem files, string path)
    {
        using var file = files.Open(path, FileOpening.Read);
        return ReadEnds(file, new byte[PackedHeader.Length], new byte[PackedTrailer.Length]);
    }

    /// <summary>The number of the block a position is in; -1 when it is in none.</summary>
    public int BlockAt(long position) =>
        position < _blocks[0].Position || position >= Trailer.End ? -1 : LastWhere(block => block.Position <= position);

    /// <summary>The last block for which something holds that holds for none behind one for which it does not; -1 when there is
    /// none.</summary>
    public int LastWhere(Func<PackedBlock, bool> condition)
    {
        var (low, high) = (0, _blocks.Length - 1);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            if (condition(_blocks[middle]))
                low = middle + 1;
            else
                high = middle - 1;
        }

        return high;
    }

    /// <summary>The position behind a block.</summary>
    public long EndOf(int block) => block + 1 < _blocks.Length ? _blocks[block + 1].Position : Trailer.End;

    /// <summary>Reads a block into a buffer.</summary>
    /// <exception cref="JournalException">It is not what was written.</exception>
    public Span<byte> Read(int block, PinnedBuffer buffer)
    {
        var entry = _blocks[block];
        var raw = buffer.Take((int)(EndOf(block) - entry.Position));
        var stored = _stored.Take(entry.StoredLength);
        if (_file.Read(stored, entry.StoredAt) != stored.Length || Crc32C.Compute(stored) != entry.Crc)
            throw Damaged(Path, entry.StoredAt, $"has a block, number {block}, whose checksum is wrong");

        var bytes = stored;
        if (_cipher is not null)
        {
            bytes = entry.IsCompressed ? _plain.Take(stored.Length - BlockCipher.TagLength) : raw;
            if (!_cipher.TryDecrypt(block, stored, bytes))
                throw SegmentKeys.WrongKey(Path, Header.KeyId!, entry.StoredAt);
        }

        if (entry.IsCompressed && !BlockCodec.TryDecompress(Header.Codec, bytes, raw))
            throw Damaged(Path, entry.StoredAt, $"has a block, number {block}, that cannot be decompressed");
        if (!entry.IsCompressed && _cipher is null)
            bytes.CopyTo(raw);
        return raw;
    }

    public void Dispose()
    {
        _cipher?.Dispose();
        _file.Dispose();
    }

    public static JournalException Damaged(string path, long position, string how) => new(JournalErrorCode.Corrupt,
        $"{path} {how} (at byte {position}). Restore it from a copy; 'comet journal verify' on the directory shows all damage.")
    {
        File = path,
        FilePosition = position
    };

    private static (PackedHeader Header, PackedTrailer Trailer) ReadEnds(IJournalFile file, byte[] bytes, byte[] end)
    {
        var header = PackedHeader.Read(bytes.AsSpan(0, file.Read(bytes, 0)), file.Path);
        var length = file.Length;
        var read = length >= bytes.Length + end.Length ? file.Read(end, length - end.Length) : 0;
        return (header, PackedTrailer.TryRead(end.AsSpan(0, read), length) ?? throw Damaged(file.Path, Math.Max(0, length - end.Length),
            "does not end like a packed segment: it was cut, or its end is damaged"));
    }

    private static PackedBlock[] ReadTable(
        IJournalFile file, PackedHeader header, PackedTrailer trailer, ReadOnlySpan<byte> end, BlockCipher? cipher)
    {
        var stored = new byte[trailer.TableLength];
        if (file.Read(stored, trailer.TableAt) != stored.Length || Crc32C.Compute(stored) != trailer.TableCrc)
            throw Damaged(file.Path, trailer.TableAt, "has a table of blocks whose checksum is wrong");

        var table = stored;
        if (cipher is not null)
        {
            table = new byte[Math.Max(0, stored.Length - BlockCipher.TagLength)];
            if (!cipher.TryDecrypt(BlockCipher.TableNumber, stored, table, end[..PackedTrailer.AuthenticatedLength]))
                throw SegmentKeys.WrongKey(file.Path, header.KeyId!, trailer.TableAt);
        }

        if (table.Length != (long)trailer.Blocks * PackedBlock.EntryLength)
            throw Inconsistent(file.Path, trailer);

        var blocks = new PackedBlock[trailer.Blocks];
        for (var i = 0; i < blocks.Length; i++)
            blocks[i] = PackedBlock.Read(table.AsSpan(i * PackedBlock.EntryLength));
        var tagLength = cipher is null ? 0 : BlockCipher.TagLength;
        return Follow(blocks, header, trailer, tagLength) ? blocks : throw Inconsistent(file.Path, trailer);
    }

    /// <summary>Whether the blocks lie one behind the other, in the file and in the segment, and are all of it.</summary>
    private static bool Follow(PackedBlock[] blocks, PackedHeader header, PackedTrailer trailer, int tagLength)
    {
        var (position, at) = (header.Segment.Layout.DataStart, (long)PackedHeader.Length);
        for (var i = 0; i < blocks.Length; i++)
        {
            var block = blocks[i];
            var next = i + 1 < blocks.Length ? blocks[i + 1].Position : trailer.End;
            if (block.Position != position || block.StoredAt != at || block.StoredLength < tagLength || next <= position
                || (!block.IsCompressed && block.StoredLength != next - position + tagLength))
                return false;

            (position, at) = (next, at + block.StoredLength);
        }

        return at == trailer.TableAt && position <= header.Segment.FileLength;
    }

    private static JournalException Inconsistent(string path, PackedTrailer trailer) =>
        Damaged(path, trailer.TableAt, "has a table of blocks that does not fit the file");
}
