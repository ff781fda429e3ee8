using System.Buffers;
using K4os.Compression.LZ4;
using Snappier;

namespace Comet.Wire;

/// <summary>Compresses the records of a batch, and restores them within a limit that is checked before memory is taken.</summary>
internal static class BatchCompression
{
    // Below this, compression costs more than it saves.
    private const int MinLength = 128;

    /// <summary>Replaces what stands behind <paramref name="start"/> by its compressed form, unless that is no smaller; returns what
    /// was done.</summary>
    public static CompressionType TryCompressInPlace(GrowableBuffer buffer, int start, CompressionType compression)
    {
        var source = buffer.WrittenSpan[start..];
        if (source.Length < MinLength)
            return CompressionType.None;
        var scratch = ArrayPool<byte>.Shared.Rent(MaxCompressedLength(source.Length, compression));
        try
        {
            var length = Compress(source, scratch, compression);
            if (length <= 0 || length >= source.Length)
                return CompressionType.None;
            buffer.Truncate(start);
            buffer.Write(scratch.AsSpan(0, length));
            return compression;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(scratch);
        }
    }

    /// <summary>Restores records. <paramref name="target"/> has exactly the length that the batch's header says.</summary>
    /// <exception cref="CometException"><see cref="ErrorCode.CorruptBatch"/>: the bytes do not restore to that length.</exception>
    public static void Decompress(ReadOnlySpan<byte> source, Span<byte> target, CompressionType compression)
    {
        var length = compression switch
        {
            CompressionType.Lz4 => LZ4Codec.Decode(source, target),
            CompressionType.Snappy => DecompressSnappy(source, target),
            _ => throw new CometException(ErrorCode.UnsupportedCompression, $"The compression {compression} is not known here."),
        };
        if (length != target.Length)
            throw RecordBatchHeader.Corrupt($"its {compression} data does not restore to {target.Length} bytes");
    }

    private static int DecompressSnappy(ReadOnlySpan<byte> source, Span<byte> target)
    {
        try
        {
            return Snappy.GetUncompressedLength(source) == target.Length ? Snappy.Decompress(source, target) : -1;
        }
        catch (Exception e) when (e is InvalidDataException or ArgumentException)
        {
            return -1;
        }
    }

    private static int MaxCompressedLength(int length, CompressionType compression) => compression == CompressionType.Lz4
        ? LZ4Codec.MaximumOutputSize(length)
        : Snappy.GetMaxCompressedLength(length);

    private static int Compress(ReadOnlySpan<byte> source, Span<byte> target, CompressionType compression) =>
        compression == CompressionType.Lz4 ? LZ4Codec.Encode(source, target) : Snappy.Compress(source, target);
}
