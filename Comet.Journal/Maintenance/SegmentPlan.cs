using Comet.Journals.Records;
using Comet.Journals.Segments;

namespace Comet.Journals.Maintenance;

/// <summary>Decides what is to be done with a sealed segment.</summary>
internal sealed class SegmentPlan
{
    private readonly JournalMaintenance _options;
    private readonly string _directory;
    private readonly long _now;

    public SegmentPlan(JournalMaintenance options, string directory, DateTimeOffset now)
    {
        _options = options;
        _directory = directory;
        _now = UnixTicks.Of(now);
    }

    /// <summary>The folders of the tiers, as they stand in the options.</summary>
    public IEnumerable<string> Tiers =>
        new[] { _options.Cool, _options.Cold }.OfType<JournalTier>().Select(tier => tier.Directory);

    /// <summary>What to do.</summary>
    public SegmentTask For(SegmentEntry entry, SegmentFacts facts)
    {
        var current = Path.GetDirectoryName(entry.Path)!;
        var folder = RankOf(current) < RankFor(facts) ? FolderOf(RankFor(facts)) : current;
        var isHot = entry.Form.Length == 0;
        // In a tier everything is packed: it is read, not mapped, and so may be on any file system.
        var packs = isHot
            ? _options.Compression != JournalCodec.None || _options.Encrypt || folder != current
            : _options.Encrypt && !facts.IsEncrypted;
        return new SegmentTask(packs, folder == current ? null : folder);
    }

    public bool IsTooOld(SegmentFacts facts) => _options.RetainFor is { } kept && _now - facts.LastTime > kept.Ticks;

    private int RankFor(SegmentFacts facts)
    {
        var age = _now - facts.LastTime;
        return _options.Cold is { } cold && age >= cold.After.Ticks ? 2
            : _options.Cool is { } cool && age >= cool.After.Ticks ? 1
            : 0;
    }

    private int RankOf(string folder) =>
        _options.Cold is not null && folder == FolderOf(2) ? 2
        : _options.Cool is not null && folder == FolderOf(1) ? 1
        : 0;

    private string FolderOf(int rank) => Path.GetFullPath((rank == 2 ? _options.Cold : _options.Cool)!.Directory, _directory);
}

/// <summary>What is to be done with a segment.</summary>
/// <param name="Packs">Whether it is packed anew.</param>
/// <param name="MovesTo">The folder it goes to, or null.</param>
internal readonly record struct SegmentTask(bool Packs, string? MovesTo)
{
    public bool IsNothing => !Packs && MovesTo is null;
}
