namespace Comet.Journals.Verification;

/// <summary>Bytes of a segment where records should be and no whole one is.</summary>
/// <param name="From">Where a record should begin.</param>
/// <param name="To">Where the next whole record begins, or the end of the bytes.</param>
/// <param name="IsUnpublished">Whether nothing is published at its beginning: perhaps a writer claimed it and has not got further.</param>
/// <param name="FirstSequence">The sequence that should come.</param>
/// <param name="EndSequence">That of the next whole record; null when there is none.</param>
internal readonly record struct DamagedRange(long From, long To, bool IsUnpublished, long FirstSequence, long? EndSequence);
