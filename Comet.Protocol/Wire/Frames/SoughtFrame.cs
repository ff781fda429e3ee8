namespace Comet.Wire;

/// <summary>A subscription has another place in a partition.</summary>
/// <remarks>Header: <c>next_offset</c>: where it goes on.</remarks>
internal readonly record struct SoughtFrame(long NextOffset) : IFrame<SoughtFrame>
{
    public static FrameType Type => FrameType.Sought;

    public void WriteTo<TWriter>(ref TWriter writer)
        where TWriter : IHeaderWriter, allows ref struct
    {
        writer.BeginRecord(1);
        writer.WriteInteger("next_offset", NextOffset);
        writer.EndRecord();
    }

    public static SoughtFrame ReadFrom<TReader>(ref TReader reader)
        where TReader : IHeaderReader, allows ref struct
    {
        reader.BeginRecord();
        var frame = new SoughtFrame(reader.ReadInteger("next_offset"));
        reader.EndRecord();
        return frame;
    }
}
