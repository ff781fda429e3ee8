namespace Comet.Journals.Tests.SimulatedDisk;

/// <summary>What may stand in a sector that was being written: anything, of which the worst is what a deleted file had in the same
/// place.</summary>
internal sealed class SectorGarbage(Random random)
{
    private const int MaxStale = 64;

    private readonly List<(string Path, SectorBytes Content)> _stale = [];

    /// <summary>A file is gone whose blocks others get, of all the next file of its name.</summary>
    public void Remember(string path, SectorBytes content)
    {
        _stale.RemoveAll(each => each.Path == path);
        if (_stale.Count == MaxStale)
            _stale.RemoveAt(0);
        _stale.Add((path, content.Copy()));
    }

    public void Fill(SectorFate fate, ReadOnlySpan<byte> old, Span<byte> sector, int index, string path)
    {
        switch (fate)
        {
            case SectorFate.Old:
                old.CopyTo(sector);
                break;
            case SectorFate.Zero:
                sector.Clear();
                break;
            case SectorFate.Garbage when random.Next(4) > 0 && Stale(path) is { } stale && index < stale.Length / SectorBytes.SectorLength:
                stale.Sector(index).CopyTo(sector);
                break;
            case SectorFate.Garbage:
                random.NextBytes(sector);
                break;
            default:
                // New: as it is.
                break;
        }
    }

    private SectorBytes? Stale(string path)
    {
        var same = _stale.FindIndex(each => each.Path == path);
        return _stale.Count == 0 ? null : _stale[same >= 0 && random.Next(4) > 0 ? same : random.Next(_stale.Count)].Content;
    }
}
