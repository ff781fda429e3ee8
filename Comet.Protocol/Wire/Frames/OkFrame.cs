namespace Comet.Wire;

/// <summary>An answer without content.</summary>
/// <remarks>Header: <c>(none)</c>.</remarks>
internal readonly record struct OkFrame() : IFrame<OkFrame>
{
    public static FrameType Type => FrameType.Ok;

    public void WriteTo<TWriter>(ref TWriter writer)
        where TWriter : IHeaderWriter, allows ref struct
    {
        writer.BeginRecord(0);
        writer.EndRecord();
    }

    public static OkFrame ReadFrom<TReader>(ref TReader reader)
        where TReader : IHeaderReader, allows ref struct
    {
        reader.BeginRecord();
        reader.EndRecord();
        return default;
    }
}
