namespace Comet.Client.Rx;

/// <summary>How deliveries are handled and what happens to those that fail. Immutable.</summary>
public sealed record AcknowledgeOptions
{
    /// <summary>How many deliveries are handled at a time. With more than one they finish in any order. Default: 1.</summary>
    public int MaxConcurrency { get; init; } = 1;

    /// <summary>How long a delivery that failed for the first time stays away; doubled for each further attempt. Default: 100 ms.</summary>
    public TimeSpan FirstNackDelay { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>The longest such delay. Default: 30 s.</summary>
    public TimeSpan MaxNackDelay { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Told of each failure, for logs. Null: nobody is.</summary>
    public Action<Exception>? OnFailure { get; init; }

    internal TimeSpan NackDelay(int deliveryCount)
    {
        var doublings = Math.Clamp(deliveryCount - 1, 0, 30);
        var delay = FirstNackDelay * Math.Pow(2, doublings);
        return delay < MaxNackDelay ? delay : MaxNackDelay;
    }
}
