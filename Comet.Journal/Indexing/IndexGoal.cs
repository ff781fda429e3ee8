using Comet.Journals.Control;

namespace Comet.Journals.Indexing;

/// <summary>What is looked for in the index of a segment: the last block that begins before it.</summary>
internal readonly record struct IndexGoal(IndexColumn Column, long Value)
{
    /// <summary>Whether the records before a block are all before what is looked for, so that it can be looked for from there.</summary>
    /// <param name="claim">The tail word of the first record that begins in the block.</param>
    /// <param name="time">The greatest time before the block.</param>
    /// <param name="firstSequence">The first sequence of the segment.</param>
    public bool IsBeyond(ulong claim, long time, long firstSequence) => Column switch
    {
        IndexColumn.Sequence => firstSequence + TailWord.Count(claim) <= Value,
        IndexColumn.Time => time < Value,
        _ => TailWord.Position(claim) <= Value
    };
}

/// <summary>By what a segment can be searched.</summary>
internal enum IndexColumn
{
    Sequence,

    /// <summary>In units of 100 ns since 1970.</summary>
    Time,

    /// <summary>The byte in the segment.</summary>
    Position
}
