using Microsoft.Extensions.Logging;

namespace Comet.Client.Producing;

internal static partial class ProducerLog
{
    [LoggerMessage(1201, LogLevel.Information, "Producer {Producer} of {Topic} was detached and attaches again. {Code}: {Reason}")]
    public static partial void Detached(ILogger logger, string producer, string topic, ErrorCode code, string reason);

    [LoggerMessage(1202, LogLevel.Error, "Producer {Producer} of {Topic} cannot go on: {Code}: {Reason}")]
    public static partial void Faulted(ILogger logger, string producer, string topic, ErrorCode code, string reason);

    [LoggerMessage(1203, LogLevel.Warning, "Producer {Producer} of {Topic} was closed with {Messages} unconfirmed messages")]
    public static partial void ClosedUnconfirmed(ILogger logger, string producer, string topic, int messages);
}
