using System.Buffers;
using System.Text;
using Comet.Wire;

namespace Comet.Server.Tests.Broker;

/// <summary>Record batches as a client would send them, and what is in one that was delivered.</summary>
internal static class Batches
{
    /// <summary>A batch of <paramref name="count"/> messages, whose payloads are their sequence ids in text and padding.</summary>
    public static byte[] Make(
        string producer, long baseSequence, int count, int padding = 0, CompressionType compression = CompressionType.None,
        Func<long, string?>? keyOf = null)
    {
        using var builder = new RecordBatchBuilder(producer, 1024);
        for (var i = 0; i < count; i++)
        {
            builder.BeginRecord(1_000_000 + i, keyOf?.Invoke(baseSequence + i), null, 0);
            builder.Output.Write(Encoding.ASCII.GetBytes(Text(baseSequence + i, padding)));
            builder.EndRecord();
        }
        return builder.Complete(baseSequence, compression).ToArray();
    }

    /// <summary>A batch of messages with times and keys of their own; a time of 0 is none.</summary>
    public static byte[] MakeDelayed(
        string producer, long baseSequence, (long Due, string? Key)[] messages, CompressionType compression = CompressionType.None,
        int padding = 20)
    {
        using var builder = new RecordBatchBuilder(producer, 1024);
        for (var i = 0; i < messages.Length; i++)
        {
            builder.BeginRecord(1_000_000 + i, messages[i].Key, null, messages[i].Due);
            builder.Output.Write(Encoding.ASCII.GetBytes(Text(baseSequence + i, padding)));
            builder.EndRecord();
        }
        return builder.Complete(baseSequence, compression).ToArray();
    }

    /// <summary>The offset and the text of each message of a batch, which must be whole.</summary>
    public static List<(long Offset, string Text)> Read(byte[] batch)
    {
        var header = RecordBatch.Open(batch);
        var reader = new RecordReader(RecordBatch.GetRecords(batch, header, int.MaxValue).Span, header);
        var messages = new List<(long, string)>();
        while (reader.TryRead(out var record))
            messages.Add((header.BaseOffset + record.OffsetDelta, Encoding.ASCII.GetString(record.Payload).TrimEnd('.')));
        Assert.Equal(header.RecordCount, messages.Count);
        return messages;
    }

    private static string Text(long sequence, int padding) => FormattableString.Invariant($"m{sequence}").PadRight(padding, '.');
}
