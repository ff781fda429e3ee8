namespace Comet.Journals.Tests.SimulatedDisk;

/// <summary>What may stand in a sector that was being written: anything, of which the worst is what a deleted file had in the same
/// place.</summary>
internal sealed class SectorGarbage(Random random)
{
    private const int MaxStale = 64;

    private readonly List<SectorBytes> _stale = [];

    /// <summary>A file is gone whose blocks others get.</summary>
    public void Remember(SectorBytes content)
    {
        if (_stale.Count < MaxStale)
            _stale.Add(content.Copy());
        else
            content.Span.CopyTo(Fitting(content) is { } stale ? stale.Span : new byte[content.Length]);
    }

    public void Fill(SectorFate fate, ReadOnlySpan<byte> old, Span<byte> sector, int index)
    {
        switch (fate)
        {
            case SectorFate.Old:
                old.CopyTo(sector);
                break;
            case SectorFate.Zero:
                sector.Clear();
                break;
            case SectorFate.Garbage when _stale.Count > 0 && random.Next(4) > 0
                && _stale[random.Next(_stale.Count)] is var stale && index < stale.Length / SectorBytes.SectorLength:
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

    private SectorBytes? Fitting(SectorBytes content) =>
        _stale[random.Next(_stale.Count)] is var stale && stale.Length == content.Length ? stale : null;
}
