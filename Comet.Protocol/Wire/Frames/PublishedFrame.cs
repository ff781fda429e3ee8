namespace Comet.Wire;

/// <summary>A batch is stored (or was already, when Duplicate).</summary>
/// <remarks>Header: <c>producer | base_sequence | base_offset | count | durability | duplicate</c>.</remarks>
internal readonly record struct PublishedFrame(
    long ProducerId,
    long BaseSequence,
    long BaseOffset,
    int Count,
    Durability Durability,
    bool Duplicate) : IFrame<PublishedFrame>
{
    public static FrameType Type => FrameType.Published;

    public void WriteTo<TWriter>(ref TWriter writer)
        where TWriter : IHeaderWriter, allows ref struct
    {
        writer.BeginRecord(6);
        writer.WriteInteger("producer", ProducerId);
        writer.WriteInteger("base_sequence", BaseSequence);
        writer.WriteInteger("base_offset", BaseOffset);
        writer.WriteInteger("count", Count);
        writer.WriteInteger("durability", (long)Durability);
        writer.WriteBoolean("duplicate", Duplicate);
        writer.EndRecord();
    }

    public static PublishedFrame ReadFrom<TReader>(ref TReader reader)
        where TReader : IHeaderReader, allows ref struct
    {
        reader.BeginRecord();
        var frame = new PublishedFrame(
            reader.ReadInteger("producer"),
            reader.ReadInteger("base_sequence"),
            reader.ReadInteger("base_offset"),
            HeaderFields.ReadInt32(ref reader, "count"),
            HeaderFields.ReadEnum<Durability, TReader>(ref reader, "durability"),
            reader.ReadBoolean("duplicate"));
        reader.EndRecord();
        return frame;
    }
}
