namespace Comet.Journals;

/// <summary>A segment as it is at the moment.</summary>
/// <param name="Number">Its number; the first of the journal was 1.</param>
/// <param name="Path">Its file.</param>
/// <param name="Bytes">How long the file is.</param>
/// <param name="IsPacked">Whether it is packed: compressed, encrypted, or in another folder. Otherwise it is as it was written.</param>
/// <param name="Codec">How it is compressed.</param>
/// <param name="KeyId">The id of the key it is encrypted with; null when it is not.</param>
public sealed record JournalSegmentInfo(long Number, string Path, long Bytes, bool IsPacked, JournalCodec Codec, string? KeyId);
