namespace Comet.Wire;

/// <summary>A frame's header. One file each, its grammar in the doc comment; both sides implement both directions.</summary>
internal interface IFrame<TSelf>
    where TSelf : struct, IFrame<TSelf>
{
    static abstract FrameType Type { get; }

    void WriteTo<TWriter>(ref TWriter writer)
        where TWriter : IHeaderWriter, allows ref struct;

    static abstract TSelf ReadFrom<TReader>(ref TReader reader)
        where TReader : IHeaderReader, allows ref struct;
}
