using System.Buffers;

namespace Comet.Server.Storage.Local;

/// <summary>Batches that follow each other in a log, copied into one block of memory.</summary>
/// <param name="block">The memory.</param>
internal sealed class ReadPiece(byte[] block)
{
    private readonly List<(StoredBatch Batch, long Position)> _batches = [];
    // A batch that is larger than a block is a piece of its own.
    private byte[] _large = [];
    private int _used;
    private long _from;

    public bool IsEmpty => _batches.Count == 0;

    /// <summary>The offset behind the last batch; -1 when there is none.</summary>
    public long NextOffset => IsEmpty ? -1 : _batches[^1].Batch.LastOffset + 1;

    /// <summary>Whether the batch that holds an offset, or the first behind it, is here.</summary>
    public bool Holds(long offset) => !IsEmpty && offset >= _from && offset < NextOffset;

    /// <summary>Finds the batch that holds an offset, or the first behind it.</summary>
    public bool TryFind(long offset, out StoredBatch batch, out long position)
    {
        (batch, position) = (default, 0);
        if (!Holds(offset))
            return false;
        var (low, high) = (0, _batches.Count - 1);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_batches[middle].Batch.LastOffset < offset)
                low = middle + 1;
            else
                high = middle;
        }
        (batch, position) = _batches[low];
        return true;
    }

    /// <summary>Adds a copy of the next batch; false when there is no room.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="position">How many bytes were appended before it, ever.</param>
    /// <param name="from">The first offset for which this is the batch to find, when it is the first here.</param>
    public bool TryAdd(in StoredBatch batch, long position, long from)
    {
        var length = batch.Bytes.Length;
        if (IsEmpty)
            _from = from;
        Memory<byte> copy;
        if (length <= block.Length - _used)
        {
            copy = block.AsMemory(_used, length);
            _used += length;
        }
        else if (IsEmpty)
        {
            _large = ArrayPool<byte>.Shared.Rent(length);
            copy = _large.AsMemory(0, length);
            _used = block.Length;
        }
        else
        {
            return false;
        }
        batch.Bytes.CopyTo(copy);
        _batches.Add((batch with { Bytes = copy }, position));
        return true;
    }

    public void Clear()
    {
        _batches.Clear();
        _used = 0;
        if (_large.Length > 0)
            ArrayPool<byte>.Shared.Return(_large);
        _large = [];
    }

    /// <summary>Empties it for good, and gives its block back.</summary>
    public byte[] Give()
    {
        Clear();
        return block;
    }
}
