using Comet.Journals;

namespace Comet.Server.Storage.Local;

/// <summary>What is dropped: at once in what the log shows, by whole segments on the disk.</summary>
internal sealed partial class LocalPartitionLog
{
    // What may be dropped and still be on the disk, beside a segment: looking for segments to remove costs a walk over the directory.
    private const long MinRemoval = 64 * 1024;
    private const long MaxRemoval = 16 * 1024 * 1024;

    public bool HoldsBack => _keptPosition < _startPosition && IsWorthRemoving(_startPosition);

    public void Keep(long offset)
    {
        Load();
        // A journal that was closed meanwhile is not opened for this: the next point comes when it is open.
        if ((_open is null && EndOffset > 0) || !TryFindKept(offset, out _, out var position))
            return;
        (_keptFrom, _keptPosition) = (offset, position);
        RemoveSegments();
    }

    public void TruncateBefore(FencingToken fence, long offset)
    {
        Load();
        _removal.RequireSuccess();
        if (offset <= _startOffset || !TryFindKept(offset, out var kept, out var position))
            return;
        (_startOffset, _startPosition) = (kept, position);
        _tail.TruncateBefore(fence, kept);
        _open?.Truncated(kept);
        _record.Truncated(kept);
        RemoveSegments();
    }

    /// <summary>The first offset that stays when batches wholly below another one go, and how many bytes were appended before
    /// it.</summary>
    private bool TryFindKept(long offset, out long kept, out long position)
    {
        (kept, position) = (EndOffset, _endPosition);
        if (offset >= EndOffset)
            return true;
        if (offset >= _tail.StartOffset && _tail.TryRead(offset, out var batch))
        {
            (kept, position) = (batch.BaseOffset, _endPosition - _tail.BytesFrom(batch.BaseOffset));
            return true;
        }
        if (!Open().TryRead(offset, out var reader))
            return false;
        (kept, position) = (reader.Batch.BaseOffset, reader.Position);
        return true;
    }

    private bool IsWorthRemoving(long position) => position - _removedPosition >= Math.Clamp(Bytes / 8, MinRemoval, MaxRemoval);

    /// <summary>Has segments removed in the background: files of 64 MiB take the file system some milliseconds.</summary>
    private void RemoveSegments()
    {
        var position = Math.Min(_startPosition, _keptPosition);
        if (!IsWorthRemoving(position) || !_removal.TryBegin())
            return;
        _removedPosition = position;
        var first = Math.Min(_startOffset, _keptFrom);
        var truncate = Open().PrepareTruncation(first, isEmpty: first == EndOffset);
        _record.Run(() => _removal.Run(() =>
        {
            try
            {
                truncate();
            }
            catch (JournalException full) when (full.Code == JournalErrorCode.StorageFull && _record.MakeRoom())
            {
                // To remove some is written down first.
                truncate();
            }
        }));
    }
}
