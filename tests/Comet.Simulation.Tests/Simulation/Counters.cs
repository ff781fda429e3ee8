namespace Comet.Simulation.Tests.Simulation;

/// <summary>States that a suite must have reached, or it has tested less than it says.</summary>
internal enum Sometimes
{
    Cut,
    Drop,
    Delay,
    Slow,
    Duplicate,
    StopBroker,
    /// <summary>A fault fell on messages or deliveries on their way.</summary>
    FaultWhileBusy,
    /// <summary>A confirm came although the connection was lost meanwhile: the message was sent again.</summary>
    ConfirmedAfterReconnect,
    /// <summary>A send ended with nobody knowing.</summary>
    SendUnknown,
    /// <summary>A message was delivered again.</summary>
    Redelivered,
    /// <summary>… to another consumer than before.</summary>
    RedeliveredToAnother,
    Nacked,
    /// <summary>A consumer gave a delivery back that it had lost, while it was at work on a newer one of the same message.</summary>
    NackedLate,
    /// <summary>A message was sent that is to be delivered later.</summary>
    Scheduled,
    /// <summary>A message that was given back with a delay came again.</summary>
    DelayedNackCame,
    /// <summary>A consumer was attached again by itself.</summary>
    Reattached,
    /// <summary>A consumer went and another of its name came.</summary>
    ConsumerReplaced,
    /// <summary>An ack was confirmed.</summary>
    AckConfirmed,
    /// <summary>Whether an ack was taken is not known.</summary>
    AckUnknown,
    /// <summary>A broker without the messages of the one before it was used.</summary>
    SecondBroker,
    /// <summary>The memory was full, and messages had to be dropped that all had acked.</summary>
    Trimmed,
    /// <summary>A lease was over, or its connection lost, while the consumer was still at work.</summary>
    LeaseLost,
    /// <summary>A message was delivered too often.</summary>
    DeadLettered,
    /// <summary>A topic's policy was changed while it was in use.</summary>
    PolicyChanged,
    /// <summary>A subscription was moved back to the beginning.</summary>
    Sought,
    /// <summary>Nobody knows whether a policy was changed or a subscription moved.</summary>
    AdministrationFailed,
    /// <summary>A message was not acked within its time to live.</summary>
    Expired,
    Exclusive,
    Failover,
    Shared,
    KeyShared,
    /// <summary>A consumer went and did not come again.</summary>
    ConsumerGone,
}

/// <summary>How often each state was reached.</summary>
internal sealed class Counters
{
    private readonly long[] _counts = new long[Enum.GetValues<Sometimes>().Length];

    public long this[Sometimes state] => _counts[(int)state];

    public void Count(Sometimes state) => _counts[(int)state]++;

    public void Add(Counters other)
    {
        for (var i = 0; i < _counts.Length; i++)
            Interlocked.Add(ref _counts[i], other._counts[i]);
    }

    public override string ToString() => string.Join(", ", Enum.GetValues<Sometimes>().Select(s => $"{s} {this[s]}"));
}
