namespace Comet.Wire;

/// <summary>Makes a smaller batch of some records of a larger one: the records' bytes are copied as they are, only header and
/// checksum are new. The base offset and base sequence id stay, since records carry their deltas from them.</summary>
internal static class RecordBatchCutter
{
    /// <summary>Appends to <paramref name="output"/> a batch of the records whose bytes are <paramref name="records"/>.</summary>
    /// <param name="output">Where the batch goes.</param>
    /// <param name="batch">The whole batch, for its header and producer name.</param>
    /// <param name="header">Its header.</param>
    /// <param name="records">One or more records of it, uncompressed, in order.</param>
    /// <param name="count">How many they are.</param>
    public static void Append(GrowableBuffer output, ReadOnlySpan<byte> batch, in RecordBatchHeader header,
        ReadOnlySpan<byte> records, int count)
    {
        var length = header.RecordsStart + records.Length;
        var target = output.GetSpan(length)[..length];
        batch.Slice(RecordBatchHeader.Size, header.ProducerNameLength).CopyTo(target[RecordBatchHeader.Size..]);
        records.CopyTo(target[header.RecordsStart..]);
        Complete(target, header, count);
        output.Advance(length);
    }

    /// <summary>Begins a batch of records that are appended to <paramref name="output"/>, which is empty, one by one.</summary>
    public static void Begin(GrowableBuffer output, ReadOnlySpan<byte> batch, in RecordBatchHeader header)
    {
        var target = output.GetSpan(header.RecordsStart);
        batch.Slice(RecordBatchHeader.Size, header.ProducerNameLength).CopyTo(target[RecordBatchHeader.Size..]);
        output.Advance(header.RecordsStart);
    }

    /// <summary>Completes a batch that <see cref="Begin"/> has begun.</summary>
    /// <param name="output">What was begun, with its records behind it.</param>
    /// <param name="header">The header of the batch they come from.</param>
    /// <param name="count">How many they are.</param>
    public static void End(GrowableBuffer output, in RecordBatchHeader header, int count) => Complete(output.WrittenSpan, header, count);

    private static void Complete(Span<byte> target, in RecordBatchHeader header, int count)
    {
        var cut = header with
        {
            Length = target.Length,
            Compression = CompressionType.None,
            RecordCount = count,
            RecordsLength = target.Length - header.RecordsStart,
        };
        cut.Write(target);
        RecordBatch.WriteChecksum(target);
    }
}
