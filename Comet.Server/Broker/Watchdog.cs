using Comet.Server.Storage;

namespace Comet.Server.Broker;

/// <summary>Looks at each heartbeat whether something waits without a reason, and says why the rest waits.</summary>
internal sealed class Watchdog(
    string topic, int partition, IPartitionLog log, PartitionSettings settings, DelayIndex delays, PartitionPolicy policy)
{
    // In microseconds. What is due and was not done for so long has not just been crossed by a heartbeat; and who was refused for want of
    // room asks again sooner than that.
    private const long TimerGrace = 1_000_000;
    private const long RefusalLasts = 30_000_000;

    private readonly Explainer _explainer = new(log, settings, delays);
    private bool _isSettled;
    private bool _isReading;
    private long _settledTo;
    private long _fullUntil;

    /// <summary>A command has come: until all that follows from it is done, something may well wait.</summary>
    public void Begin(CommandKind kind) => _isSettled &= kind == CommandKind.ReportProgress;

    /// <summary>Everything that was asked for has been carried out: what waits then waits without a reason.</summary>
    /// <param name="stableOffset">What was durable when that began: more may have become it meanwhile, and the command that says so may
    /// stand behind a heartbeat.</param>
    /// <param name="isReading">Whether something is waited for that the disk has; the same is true of that.</param>
    public void Settle(long stableOffset, bool isReading) => (_isSettled, _settledTo, _isReading) = (true, stableOffset, isReading);

    /// <summary>A publish was refused because there is no room.</summary>
    public void Full(long now) => _fullUntil = now + RefusalLasts;

    /// <summary>A heartbeat of a consumer. One is enough for a subscription. What is found is delivered behind this.</summary>
    public void Beat(Subscription subscription, Consumer consumer, long now)
    {
        if (!_isSettled || _isReading || subscription.Consumers[0] != consumer)
            return;
        var wait = _explainer.Find(subscription, now);
        if (wait.Offset >= _settledTo)
            return;
        var isOverdue = wait.Until >= 0 && wait.Until + TimerGrace < now;
        if (wait.Reason == WaitReason.None || isOverdue)
            settings.StallFound?.Invoke(new(topic, partition, subscription.Name, wait.Offset));
    }

    /// <summary>Answers for this partition why a subscription gets nothing; null when it does not have it.</summary>
    public void Explain(ExplanationCollector collector, Subscription? subscription, long now)
    {
        if (subscription is null)
        {
            collector.AddUnknown();
            return;
        }
        var explanation = _explainer.Explain(partition, subscription, now);
        if (explanation.Reason == WaitReason.NothingToDeliver && FindRefusal(now) is { } refusal)
            explanation = explanation with { Reason = WaitReason.QuotaRefusesProducers, Detail = refusal };
        collector.Add(subscription.Type, explanation);
    }

    private string? FindRefusal(long now) => policy.RefusePublish(topic, partition)
        ?? (now < _fullUntil ? "The memory for messages was full a moment ago." : null);
}
