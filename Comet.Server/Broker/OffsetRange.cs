namespace Comet.Server.Broker;

/// <summary>Offsets from <paramref name="First"/> to <paramref name="Last"/>, both included.</summary>
internal readonly record struct OffsetRange(long First, long Last)
{
    public long Count => Last - First + 1;
}
