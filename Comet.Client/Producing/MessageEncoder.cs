using Comet.Client.Scheduling;
using Comet.Wire;

namespace Comet.Client.Producing;

/// <summary>Where a message goes, and how it becomes a record.</summary>
internal sealed class MessageEncoder<T>(IMessageSerializer<T> serializer, Func<OutgoingMessage<T>, int, int>? router)
{
    /// <summary>The partition; null when it does not matter.</summary>
    /// <exception cref="CometException">The router named none that exists, or the message has a sequence id that cannot be
    /// used.</exception>
    public int? Route(in OutgoingMessage<T> message, int partitionCount)
    {
        if (message.SequenceId is { } id && (id < 0 || (partitionCount > 1 && message.Key is null && router is null)))
            throw InvalidSequence(id, partitionCount);
        if (router is not null)
        {
            var chosen = router(message, partitionCount);
            return chosen >= 0 && chosen < partitionCount
                ? chosen
                : throw new CometException(ErrorCode.PartitionNotFound,
                    $"The router chose partition {chosen}; the topic has {partitionCount}, from 0.");
        }
        if (partitionCount == 1)
            return 0;
        return message.Key is { } key ? KeyHash.Compute(key) % partitionCount : null;
    }

    private static CometException InvalidSequence(long id, int partitionCount) => new(ErrorCode.InvalidArgument, id < 0
        ? $"{nameof(OutgoingMessage<T>.SequenceId)} is {id}; it must be from 0 up."
        : $"A message with a sequence id needs a key or a router here: the topic has {partitionCount} partitions, and a copy of it must "
            + "come to the same one.");

    /// <summary>Appends the record and returns its length; when that fails the batch is as it was.</summary>
    /// <exception cref="CometException"><see cref="ErrorCode.UnserializableValue"/>, <see cref="ErrorCode.MessageTooLarge"/>, or
    /// <see cref="ErrorCode.InvalidArgument"/> for a delivery time too far away.</exception>
    public int Encode(in OutgoingMessage<T> message, RecordBatchBuilder batch, int maxLength, TimeProvider time)
    {
        var start = batch.Length;
        var now = message.PublishTime is null || message.DeliverAt is not null ? UnixMicroseconds.Now(time) : 0;
        var timestamp = message.PublishTime is { } given ? UnixMicroseconds.From(given) : now;
        var deliverAt = message.DeliverAt is { } due ? DeliveryTime.ToRecord(due, now) : 0;
        batch.BeginRecord(timestamp, message.Key, message.Headers, deliverAt);
        try
        {
            serializer.Serialize(message.Value, batch.Output);
        }
        catch (Exception e)
        {
            batch.AbandonRecord();
            throw new CometException(ErrorCode.UnserializableValue,
                $"A value of type {typeof(T).Name} could not be serialized: {e.Message}", e);
        }
        var length = batch.Length - start;
        if (length > maxLength)
        {
            batch.AbandonRecord();
            throw new CometException(ErrorCode.MessageTooLarge,
                $"A message takes {length} bytes with its key and headers; the broker takes {maxLength}.");
        }
        return batch.EndRecord();
    }
}
