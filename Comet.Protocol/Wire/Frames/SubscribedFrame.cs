namespace Comet.Wire;

/// <summary>A consumer is attached.</summary>
/// <remarks>Header: <c>consumer | next_offset | epoch | generation</c>. Next_offset: where the subscription goes on. Generation: changes
/// when the subscription is moved or created anew; acks of what was delivered under another one must not be sent.</remarks>
internal readonly record struct SubscribedFrame(long ConsumerId, long NextOffset, long OwnershipEpoch, long Generation = 0)
    : IFrame<SubscribedFrame>
{
    public static FrameType Type => FrameType.Subscribed;

    public void WriteTo<TWriter>(ref TWriter writer)
        where TWriter : IHeaderWriter, allows ref struct
    {
        writer.BeginRecord(4);
        writer.WriteInteger("consumer", ConsumerId);
        writer.WriteInteger("next_offset", NextOffset);
        writer.WriteInteger("epoch", OwnershipEpoch);
        writer.WriteInteger("generation", Generation);
        writer.EndRecord();
    }

    public static SubscribedFrame ReadFrom<TReader>(ref TReader reader)
        where TReader : IHeaderReader, allows ref struct
    {
        reader.BeginRecord();
        var frame = new SubscribedFrame(
            reader.ReadInteger("consumer"),
            reader.ReadInteger("next_offset"),
            reader.ReadInteger("epoch"),
            reader.ReadInteger("generation"));
        reader.EndRecord();
        return frame;
    }
}
