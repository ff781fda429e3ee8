using Microsoft.Extensions.Logging;

namespace Comet.Client.Consuming;

internal static partial class ConsumerLog
{
    [LoggerMessage(1301, LogLevel.Information, "Consumer {Consumer} of {Topic} was detached and attaches again. {Code}: {Reason}")]
    public static partial void Detached(ILogger logger, string consumer, string topic, ErrorCode code, string reason);

    [LoggerMessage(1302, LogLevel.Error, "Consumer {Consumer} of {Topic} cannot go on: {Code}: {Reason}")]
    public static partial void Faulted(ILogger logger, string consumer, string topic, ErrorCode code, string reason);

    [LoggerMessage(1303, LogLevel.Warning,
        "Consumer {Consumer} of {Topic}, partition {Partition}: the broker lacked {Messages} messages and {Bytes} bytes of permits; "
        + "granted again")]
    public static partial void PermitsRepaired(ILogger logger, string consumer, string topic, int partition, long messages, long bytes);

    [LoggerMessage(1304, LogLevel.Warning, "Consumer {Consumer} of {Topic} was closed before all its acks were confirmed: {Reason}")]
    public static partial void ClosedUnconfirmed(ILogger logger, string consumer, string topic, string reason);
}
