namespace Comet;

/// <summary>What an <see cref="ErrorCode"/> means for a caller who might try again.</summary>
public static class ErrorCodeExtensions
{
    /// <summary>Whether the same operation may succeed later without a change on the caller's side.</summary>
    public static bool IsTransient(this ErrorCode code) => code is
        ErrorCode.ConnectFailed or ErrorCode.ConnectionLost or ErrorCode.HeartbeatTimeout or ErrorCode.HandshakeTimeout
        or ErrorCode.NotOwner or ErrorCode.ConsumerBusy or ErrorCode.ConsumerNotFound or ErrorCode.SubscriptionInUse
        or ErrorCode.ProducerBusy or ErrorCode.ProducerNotFound or ErrorCode.StorageFull or ErrorCode.StorageFailed
        or ErrorCode.LimitExceeded or ErrorCode.BrokerStopping or ErrorCode.InternalError or ErrorCode.SlowConsumer
        or ErrorCode.ScheduleLimitReached or ErrorCode.Timeout or ErrorCode.BufferFull or ErrorCode.SubscriptionMoved
        or ErrorCode.BacklogQuotaExceeded;
}
