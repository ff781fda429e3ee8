namespace Comet.Wire;

/// <summary>Attaches a producer to one partition. Answer: ProducerReady, for WaitForExclusive only when the producer is alone.</summary>
/// <remarks>Header: <c>topic | partition | name | access | durability</c>.</remarks>
internal readonly record struct CreateProducerFrame(
    string Topic,
    int Partition,
    string ProducerName,
    ProducerAccessMode AccessMode,
    Durability Durability) : IFrame<CreateProducerFrame>
{
    public static FrameType Type => FrameType.CreateProducer;

    public void WriteTo<TWriter>(ref TWriter writer)
        where TWriter : IHeaderWriter, allows ref struct
    {
        writer.BeginRecord(5);
        writer.WriteString("topic", Topic);
        writer.WriteInteger("partition", Partition);
        writer.WriteString("name", ProducerName);
        writer.WriteInteger("access", (long)AccessMode);
        writer.WriteInteger("durability", (long)Durability);
        writer.EndRecord();
    }

    public static CreateProducerFrame ReadFrom<TReader>(ref TReader reader)
        where TReader : IHeaderReader, allows ref struct
    {
        reader.BeginRecord();
        var frame = new CreateProducerFrame(
            HeaderFields.ReadRequiredString(ref reader, "topic"),
            HeaderFields.ReadInt32(ref reader, "partition"),
            HeaderFields.ReadRequiredString(ref reader, "name"),
            HeaderFields.ReadEnum<ProducerAccessMode, TReader>(ref reader, "access"),
            HeaderFields.ReadEnum<Durability, TReader>(ref reader, "durability"));
        reader.EndRecord();
        return frame;
    }
}
