namespace Comet.Journals;

/// <summary>Where a reader stands after it was told to go somewhere. Whatever the result, it can be read from there.</summary>
public enum JournalSeekResult
{
    /// <summary>The next record is the one asked for, or, where there is none of exactly that sequence or time, the first after
    /// it.</summary>
    Found,

    /// <summary>What was asked for is not kept any more, or never was: the next record is the first that is kept.</summary>
    BeforeFirst,

    /// <summary>What was asked for has not been appended yet: the reader stands at the end, and the next record is whichever is appended
    /// next.</summary>
    BeyondEnd
}
