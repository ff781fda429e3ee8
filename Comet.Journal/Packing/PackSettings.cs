namespace Comet.Journals.Packing;

/// <summary>How a segment is to be packed.</summary>
/// <param name="Codec">How its blocks are compressed.</param>
/// <param name="Level">How hard LZ4 tries.</param>
/// <param name="Keys">What it is encrypted with; null when it is not to be.</param>
internal sealed record PackSettings(JournalCodec Codec, int Level, IJournalKeyProvider? Keys);
