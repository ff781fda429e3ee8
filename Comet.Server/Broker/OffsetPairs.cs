namespace Comet.Server.Broker;

/// <summary>Ranges of offsets as frames carry them: pairs of a first and a last one.</summary>
internal static class OffsetPairs
{
    /// <summary>Adds an offset that is behind all that are there; one that follows the last pair makes it longer.</summary>
    public static void Append(List<long> pairs, long offset)
    {
        if (pairs.Count > 0 && pairs[^1] == offset - 1)
            pairs[^1] = offset;
        else
            pairs.AddRange([offset, offset]);
    }
}
