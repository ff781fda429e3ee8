namespace Comet.Wire;

/// <summary>A producer is attached.</summary>
/// <remarks>Header: <c>producer | last_sequence | epoch</c>. Last_sequence: the highest sequence id stored for this producer name, -1 when
/// there is none.</remarks>
internal readonly record struct ProducerReadyFrame(long ProducerId, long LastSequenceId, long ProducerEpoch) : IFrame<ProducerReadyFrame>
{
    public static FrameType Type => FrameType.ProducerReady;

    public void WriteTo<TWriter>(ref TWriter writer)
        where TWriter : IHeaderWriter, allows ref struct
    {
        writer.BeginRecord(3);
        writer.WriteInteger("producer", ProducerId);
        writer.WriteInteger("last_sequence", LastSequenceId);
        writer.WriteInteger("epoch", ProducerEpoch);
        writer.EndRecord();
    }

    public static ProducerReadyFrame ReadFrom<TReader>(ref TReader reader)
        where TReader : IHeaderReader, allows ref struct
    {
        reader.BeginRecord();
        var frame = new ProducerReadyFrame(
            reader.ReadInteger("producer"),
            reader.ReadInteger("last_sequence"),
            reader.ReadInteger("epoch"));
        reader.EndRecord();
        return frame;
    }
}
