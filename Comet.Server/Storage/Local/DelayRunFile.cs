using System.Buffers;
using System.Buffers.Binary;
using Comet.Checksums;
using Comet.Server.Broker;
using Microsoft.Win32.SafeHandles;

namespace Comet.Server.Storage.Local;

/// <summary>A run in a file: blocks of 4 KiB, little-endian, each with a CRC-32C of what it holds and of its number in its last four bytes.
/// First a header (magic, version, counts), then entries by time (i64 due, i64 offset; 255 in a block), then entries by key (i32 hash, i64
/// offset; 340 in a block). The file is opened for each read, so that any number of runs takes no more than their names.</summary>
internal sealed class DelayRunFile : IDelayRun
{
    public const int BlockLength = 4096;
    public const int TimesPerBlock = 255;
    public const int KeysPerBlock = 340;
    public const int TimeLength = 16;
    public const int KeyLength = 12;
    private const uint Magic = 0x31524443;
    private const int Version = 1;
    private const int ChecksumAt = BlockLength - sizeof(uint);

    private readonly Action _damaged;

    /// <param name="path">The file.</param>
    /// <param name="name">What it holds.</param>
    /// <param name="damaged">Called when it turns out not to hold that.</param>
    public DelayRunFile(string path, DelayRunName name, Action damaged) => (Path, Name, _damaged) = (path, name, damaged);

    public string Path { get; }

    public DelayRunName Name { get; }

    private long TimeBlocks => BlocksFor(Name.Count, TimesPerBlock);

    private long KeyBlocks => BlocksFor(Name.KeyCount, KeysPerBlock);

    public static long BlocksFor(long count, int perBlock) => (count + perBlock - 1) / perBlock;

    public static void WriteHeader(Span<byte> block, DelayRunName name)
    {
        block.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(block, Magic);
        BinaryPrimitives.WriteInt32LittleEndian(block[4..], Version);
        BinaryPrimitives.WriteInt64LittleEndian(block[8..], name.Id);
        BinaryPrimitives.WriteInt64LittleEndian(block[16..], name.Count);
        BinaryPrimitives.WriteInt64LittleEndian(block[24..], name.KeyCount);
        Seal(block, 0);
    }

    /// <summary>Writes the checksum of a block.</summary>
    public static void Seal(Span<byte> block, long number) =>
        BinaryPrimitives.WriteUInt32LittleEndian(block[ChecksumAt..], Checksum(block, number));

    /// <summary>Whether the file is there, as long as it has to be, and of that name.</summary>
    public bool IsThere()
    {
        if (new FileInfo(Path) is not { Exists: true } file || file.Length != (1 + TimeBlocks + KeyBlocks) * BlockLength)
            return false;
        Span<byte> expected = stackalloc byte[BlockLength];
        WriteHeader(expected, Name);
        var block = new byte[BlockLength];
        using var handle = File.OpenHandle(Path);
        return RandomAccess.Read(handle, block, 0) == BlockLength && expected.SequenceEqual(block);
    }

    public int Read(long index, Span<DueOffset> target)
    {
        var count = (int)Math.Min(target.Length, Name.Count - index);
        if (count <= 0)
            return 0;
        using var blocks = new Blocks(this);
        for (var done = 0; done < count;)
        {
            var at = index + done;
            var entries = blocks.Read(1 + (at / TimesPerBlock))[(int)(at % TimesPerBlock * TimeLength)..];
            var some = Math.Min(count - done, TimesPerBlock - (int)(at % TimesPerBlock));
            for (var i = 0; i < some; i++)
                target[done++] = ReadTime(entries[(i * TimeLength)..]);
        }
        return count;
    }

    public long IndexOf(long due)
    {
        if (due == long.MaxValue)
            return Name.Count;
        using var blocks = new Blocks(this);
        var (low, high) = (0L, TimeBlocks);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (ReadTime(blocks.Read(1 + middle)).Due < due)
                low = middle + 1;
            else
                high = middle;
        }
        // What is searched is in the block before, or the first of this one.
        if (low == 0)
            return 0;
        var block = blocks.Read(low);
        var first = (low - 1) * TimesPerBlock;
        var count = (int)Math.Min(TimesPerBlock, Name.Count - first);
        for (var i = 0; i < count; i++)
        {
            if (ReadTime(block[(i * TimeLength)..]).Due >= due)
                return first + i;
        }
        return first + count;
    }

    public void CopyKeyed(int hash, List<long> target)
    {
        if (Name.KeyCount == 0)
            return;
        using var blocks = new Blocks(this);
        var (start, low, high) = (1 + TimeBlocks, 0L, KeyBlocks);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (ReadKey(blocks.Read(start + middle)).Hash < hash)
                low = middle + 1;
            else
                high = middle;
        }
        for (var number = Math.Max(0, low - 1); number < KeyBlocks; number++)
        {
            var block = blocks.Read(start + number);
            var count = (int)Math.Min(KeysPerBlock, Name.KeyCount - (number * KeysPerBlock));
            for (var i = 0; i < count; i++)
            {
                var entry = ReadKey(block[(i * KeyLength)..]);
                if (entry.Hash > hash)
                    return;
                if (entry.Hash == hash)
                    target.Add(entry.Offset);
            }
        }
    }

    /// <summary>Reads entries by key in the order of hash and offset, beginning with one; returns how many.</summary>
    public int ReadKeys(long index, Span<KeyedOffset> target)
    {
        var count = (int)Math.Min(target.Length, Name.KeyCount - index);
        using var blocks = new Blocks(this);
        for (var done = 0; done < count;)
        {
            var at = index + done;
            var entries = blocks.Read(1 + TimeBlocks + (at / KeysPerBlock))[(int)(at % KeysPerBlock * KeyLength)..];
            var some = Math.Min(count - done, KeysPerBlock - (int)(at % KeysPerBlock));
            for (var i = 0; i < some; i++)
                target[done++] = ReadKey(entries[(i * KeyLength)..]);
        }
        return Math.Max(0, count);
    }

    private static DueOffset ReadTime(ReadOnlySpan<byte> entry) =>
        new(BinaryPrimitives.ReadInt64LittleEndian(entry), BinaryPrimitives.ReadInt64LittleEndian(entry[8..]));

    private static KeyedOffset ReadKey(ReadOnlySpan<byte> entry) =>
        new(BinaryPrimitives.ReadInt32LittleEndian(entry), BinaryPrimitives.ReadInt64LittleEndian(entry[4..]));

    private static uint Checksum(ReadOnlySpan<byte> block, long number) =>
        ~Crc32C.Append(Crc32C.Append(uint.MaxValue, (ulong)number), block[..ChecksumAt]);

    private CometException Damaged(string why, Exception? inner = null)
    {
        _damaged();
        return new(ErrorCode.StorageFailed,
            $"{Path} {why}. It tells only what the log tells as well, from which the next start makes it anew.", inner);
    }

    /// <summary>The open file, and one block of it.</summary>
    private readonly struct Blocks(DelayRunFile run) : IDisposable
    {
        private readonly byte[] _block = ArrayPool<byte>.Shared.Rent(BlockLength);
        private readonly SafeFileHandle _handle = run.OpenHandle();

        public ReadOnlySpan<byte> Read(long number)
        {
            var block = _block.AsSpan(0, BlockLength);
            try
            {
                if (RandomAccess.Read(_handle, block, number * BlockLength) == BlockLength
                    && BinaryPrimitives.ReadUInt32LittleEndian(block[ChecksumAt..]) == Checksum(block, number))
                    return block;
            }
            catch (IOException e)
            {
                throw run.Damaged($"cannot be read: {e.Message}", e);
            }
            throw run.Damaged($"is damaged at byte {number * BlockLength}");
        }

        public void Dispose()
        {
            _handle.Dispose();
            ArrayPool<byte>.Shared.Return(_block);
        }
    }

    private SafeFileHandle OpenHandle()
    {
        try
        {
            return File.OpenHandle(Path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Damaged($"cannot be opened: {e.Message}", e);
        }
    }
}
