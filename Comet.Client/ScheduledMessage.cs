namespace Comet.Client;

/// <summary>A message that the broker holds until its time. Made by
/// <see cref="Producer{T}.ScheduleAsync(T, TimeSpan, CancellationToken)"/>; for one that an earlier program has scheduled, use
/// <see cref="CometClient.Schedules"/> with its id.</summary>
/// <remarks>Thread-safe; it may be forgotten at any time, the message stays scheduled.</remarks>
public sealed class ScheduledMessage
{
    private readonly ScheduleAdministration _schedules;

    internal ScheduledMessage(ScheduleAdministration schedules, MessageId id, DateTimeOffset deliverAt) =>
        (_schedules, Id, DeliverAt) = (schedules, id, deliverAt);

    /// <summary>Where the message is stored: keep it to cancel or move the message later, from any program.</summary>
    public MessageId Id { get; }

    /// <summary>When it is due, as far as this object knows: as it was scheduled, or moved through this object.</summary>
    public DateTimeOffset DeliverAt { get; private set; }

    /// <inheritdoc cref="ScheduleAdministration.CancelAsync"/>
    public Task<CancelResult> CancelAsync(CancellationToken cancellationToken = default) => _schedules.CancelAsync(Id, cancellationToken);

    /// <inheritdoc cref="ScheduleAdministration.RescheduleAsync(MessageId, TimeSpan, CancellationToken)"/>
    public Task<RescheduleResult> RescheduleAsync(TimeSpan delay, CancellationToken cancellationToken = default) =>
        RescheduleAsync(_schedules.In(delay), cancellationToken);

    /// <inheritdoc cref="ScheduleAdministration.RescheduleAsync(MessageId, DateTimeOffset, CancellationToken)"/>
    public async Task<RescheduleResult> RescheduleAsync(DateTimeOffset deliverAt, CancellationToken cancellationToken = default)
    {
        var result = await _schedules.RescheduleAsync(Id, deliverAt, cancellationToken);
        if (result == RescheduleResult.Rescheduled)
            DeliverAt = deliverAt;
        return result;
    }
}
