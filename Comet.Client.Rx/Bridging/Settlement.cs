namespace Comet.Client.Rx.Bridging;

/// <summary>How operators ack and give back.</summary>
internal static class Settlement
{
    /// <summary>Gives a group back, for the time that its most often delivered member has to stay away, and tells of the failure.</summary>
    public static async ValueTask GiveBackAsync<T>(IList<Delivery<T>> group, Exception failure, AcknowledgeOptions options)
    {
        try
        {
            if (group.Count > 0)
                await group.NackAllAsync(options.NackDelay(group.Max(static d => d.DeliveryCount)));
        }
        finally
        {
            Tell(failure, options);
        }
    }

    /// <summary>Lets an ack or nack go its way: it is kept until it is confirmed, and a consumer that has ended ends its sequence by
    /// itself.</summary>
    public static void Forget(ValueTask settling)
    {
        if (!settling.IsCompletedSuccessfully)
            _ = settling.AsTask().ContinueWith(static t => _ = t.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted,
                TaskScheduler.Default);
    }

    private static void Tell(Exception failure, AcknowledgeOptions options)
    {
        try
        {
            options.OnFailure?.Invoke(failure);
        }
        // A log that fails must neither keep the message nor end the sequence, and must not be silent.
        catch (Exception e)
        {
            Unhandled.Throw(e);
        }
    }
}
