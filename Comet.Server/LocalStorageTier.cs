namespace Comet.Server;

/// <summary>A directory for older messages of all partitions, on another disk if one likes, which need not be a local one.</summary>
/// <param name="Directory">The directory, for this broker alone. Each partition gets one of its own in it. It is made when it is
/// needed.</param>
/// <param name="After">How old the last message of a segment is before the segment goes there.</param>
public sealed record LocalStorageTier(string Directory, TimeSpan After);
