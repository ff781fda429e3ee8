namespace Comet.Wire;

/// <summary>Asks what of the broker does not work.</summary>
/// <remarks>Header: none. Answer: Health.</remarks>
internal readonly record struct DescribeHealthFrame : IFrame<DescribeHealthFrame>
{
    public static FrameType Type => FrameType.DescribeHealth;

    public void WriteTo<TWriter>(ref TWriter writer)
        where TWriter : IHeaderWriter, allows ref struct
    {
        writer.BeginRecord(0);
        writer.EndRecord();
    }

    public static DescribeHealthFrame ReadFrom<TReader>(ref TReader reader)
        where TReader : IHeaderReader, allows ref struct
    {
        reader.BeginRecord();
        reader.EndRecord();
        return default;
    }
}
