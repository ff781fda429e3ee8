namespace Comet.Server.Broker;

/// <summary>How many messages may wait for their time, over all partitions of a broker.</summary>
internal sealed class ScheduleBudget(long limit)
{
    private long _used;

    public long Limit { get; } = limit;

    public long Used => Interlocked.Read(ref _used);

    /// <summary>Takes room for so many; false, and nothing taken, when there is not enough.</summary>
    public bool TryTake(long count)
    {
        if (Interlocked.Add(ref _used, count) <= Limit)
            return true;
        Return(count);
        return false;
    }

    /// <summary>Takes room for so many, whatever the limit is.</summary>
    public void Take(long count) => Interlocked.Add(ref _used, count);

    public void Return(long count) => Interlocked.Add(ref _used, -count);
}
