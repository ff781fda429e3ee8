namespace Comet.Journals.Tests.SimulatedDisk;

/// <summary>What of a sector that was written and not flushed a power cut leaves.</summary>
internal enum SectorFate
{
    Old,
    New,
    Zero,
    Garbage
}

/// <summary>A file's bytes as programs see them, and as the disk has them.</summary>
internal sealed class SimulatedInode
{
    private SectorBytes _content;
    private SectorBytes? _disk;
    private SectorBytes? _clean;
    private long _durableLength;

    public SimulatedInode()
        : this(SectorBytes.Zero(0), 0)
    {
    }

    private SimulatedInode(SectorBytes content, long length)
    {
        _content = content;
        Length = _durableLength = length;
    }

    public long Length { get; private set; }

    public SectorBytes Content => _content;

    /// <summary>Whether mappings have its address.</summary>
    public bool IsMapped { get; set; }

    /// <summary>Something is about to change: from now on the disk may have something else.</summary>
    public void BeginChange() => _disk ??= _content.Copy();

    /// <summary>Bytes are written, perhaps the same as before: whatever an earlier failure has made the system forget, here it knows
    /// again.</summary>
    public void Write(ReadOnlySpan<byte> bytes, long position)
    {
        BeginChange();
        bytes.CopyTo(_content.Span[(int)position..]);
        if (_clean is not { } clean)
            return;

        var (from, to) = ((int)(position / SectorBytes.SectorLength), (int)((position + bytes.Length - 1) / SectorBytes.SectorLength));
        for (var i = from; i <= to; i++)
            _disk!.Sector(i).CopyTo(clean.Sector(i));
    }

    public void Resize(long length)
    {
        BeginChange();
        if (length > _content.Length)
        {
            if (IsMapped)
                throw new InvalidOperationException("A mapped file must not grow beyond what it has.");
            (_content, var before) = (Grow(_content, length), _content);
            before.Recycle();
            _disk = Grow(_disk!, length);
            _clean = _clean is { } clean ? Grow(clean, length) : null;
        }

        if (length < Length)
            _content.Span[(int)length..].Clear();
        Length = length;
    }

    /// <summary>Everything in a range gets to the disk, except what an earlier failure has made the system forget.</summary>
    public void Flush(long from, long to)
    {
        _durableLength = Length;
        if (_disk is null)
            return;

        var end = Math.Min(_content.Length, to + SectorBytes.SectorLength - 1) / SectorBytes.SectorLength;
        for (var i = (int)(from / SectorBytes.SectorLength); i < end; i++)
        {
            if (IsDirty(i))
                Write(i);
        }
    }

    /// <summary>A flush that fails: some of it gets to the disk, and the system takes all of it for written.</summary>
    public void FailFlush(Random random)
    {
        if (_disk is null)
            return;

        for (var i = 0; i < _content.Length / SectorBytes.SectorLength; i++)
        {
            if (IsDirty(i) && random.Next(4) == 0)
                Write(i);
        }

        _clean?.Recycle();
        _clean = _content.Copy();
    }

    /// <summary>The system writes some of it, as it does at any time.</summary>
    public void WriteSomeBack(Random random)
    {
        for (var i = 0; _disk is not null && i < _content.Length / SectorBytes.SectorLength; i++)
        {
            if (IsDirty(i) && random.Next(2) == 0)
                Write(i);
        }
    }

    /// <summary>What is left of it after a power cut.</summary>
    public SimulatedInode Crash(string path, Func<SectorFate> fate, Func<bool> keepsLength, SectorGarbage garbage)
    {
        var length = Length == _durableLength || keepsLength() ? Length : _durableLength;
        var left = _content.Copy();
        if (_disk is { } disk && !disk.Span.SequenceEqual(_content.Span))
        {
            for (var i = 0; i < _content.Length / SectorBytes.SectorLength; i++)
            {
                if (!_content.Sector(i).SequenceEqual(disk.Sector(i)))
                    garbage.Fill(IsDirty(i) ? fate() : SectorFate.Old, disk.Sector(i), left.Sector(i), i, path);
            }
        }

        if (length < left.Length)
            left.Span[(int)length..].Clear();
        return new SimulatedInode(left, length);
    }

    /// <summary>Another file with the same bytes.</summary>
    public SimulatedInode Clone() => new(_content.Copy(), Length);

    public void Recycle()
    {
        _content.Recycle();
        _disk?.Recycle();
        _clean?.Recycle();
    }

    private bool IsDirty(int sector) => !_content.Sector(sector).SequenceEqual((_clean ?? _disk!).Sector(sector));

    private void Write(int sector)
    {
        _content.Sector(sector).CopyTo(_disk!.Sector(sector));
        if (_clean is { } clean)
            _content.Sector(sector).CopyTo(clean.Sector(sector));
    }

    private static SectorBytes Grow(SectorBytes bytes, long length)
    {
        var grown = SectorBytes.Zero(length);
        bytes.Span.CopyTo(grown.Span);
        return grown;
    }
}
