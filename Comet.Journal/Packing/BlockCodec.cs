using K4os.Compression.LZ4;
using Snappier;

namespace Comet.Journals.Packing;

/// <summary>Compresses blocks. What comes back is checked by its length here and by the records' checksums later.</summary>
internal static class BlockCodec
{
    /// <summary>12: the level of LZ4 that takes the longest.</summary>
    public const int MaxLevel = (int)LZ4Level.L12_MAX;

    /// <summary>How much room compressing may need.</summary>
    public static int MaxLength(JournalCodec codec, int length) => codec switch
    {
        JournalCodec.Lz4 => LZ4Codec.MaximumOutputSize(length),
        JournalCodec.Snappy => Snappy.GetMaxCompressedLength(length),
        _ => length
    };

    /// <summary>How many bytes a block has become; 0 when it did not become shorter and is to be stored as it is.</summary>
    public static int Compress(JournalCodec codec, int level, ReadOnlySpan<byte> source, Span<byte> target)
    {
        var length = codec switch
        {
            JournalCodec.Lz4 => LZ4Codec.Encode(source, target, (LZ4Level)level),
            JournalCodec.Snappy => Snappy.Compress(source, target),
            _ => 0
        };
        return length > 0 && length < source.Length ? length : 0;
    }

    /// <summary>Whether a block became what it was again.</summary>
    public static bool TryDecompress(JournalCodec codec, ReadOnlySpan<byte> source, Span<byte> target) => codec switch
    {
        JournalCodec.Lz4 => LZ4Codec.Decode(source, target) == target.Length,
        JournalCodec.Snappy => TryDecompressSnappy(source, target),
        _ => false
    };

    private static bool TryDecompressSnappy(ReadOnlySpan<byte> source, Span<byte> target)
    {
        try
        {
            return Snappy.GetUncompressedLength(source) == target.Length && Snappy.Decompress(source, target) == target.Length;
        }
        catch (Exception wrong) when (wrong is InvalidDataException or ArgumentException)
        {
            return false;
        }
    }
}
