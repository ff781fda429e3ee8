namespace Comet.Wire;

/// <summary>Begins the leases of deliveries anew. Those that are not the consumer's (any more) are left alone. With a correlation id it
/// is answered by Ok.</summary>
/// <remarks>Header: <c>consumer | ranges | delivery_count</c>. Ranges: pairs of first and last offset, both included. Delivery count: as in
/// <see cref="NackFrame"/>.</remarks>
internal readonly record struct ExtendLeaseFrame(long ConsumerId, long[] Ranges, int DeliveryCount = 0) : IFrame<ExtendLeaseFrame>
{
    public static FrameType Type => FrameType.ExtendLease;

    public void WriteTo<TWriter>(ref TWriter writer)
        where TWriter : IHeaderWriter, allows ref struct
    {
        writer.BeginRecord(3);
        writer.WriteInteger("consumer", ConsumerId);
        writer.WriteIntegers("ranges", Ranges);
        writer.WriteInteger("delivery_count", DeliveryCount);
        writer.EndRecord();
    }

    public static ExtendLeaseFrame ReadFrom<TReader>(ref TReader reader)
        where TReader : IHeaderReader, allows ref struct
    {
        reader.BeginRecord();
        var frame = new ExtendLeaseFrame(
            reader.ReadInteger("consumer"),
            reader.ReadIntegers("ranges"),
            HeaderFields.ReadInt32(ref reader, "delivery_count"));
        reader.EndRecord();
        return frame;
    }
}
