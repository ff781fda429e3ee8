using System.Text;

namespace Comet.Wire;

/// <summary>The headers of a record: <c>varint count, then for each: varint length and UTF-8 name, varint length and value</c>.</summary>
internal static class RecordHeaders
{
    // An entry takes at least two length bytes.
    private const int MinEntryLength = 2;

    public static int Measure(MessageHeaders headers)
    {
        var length = Varint.Length((ulong)headers.Count);
        foreach (var entry in headers)
        {
            var name = Encoding.UTF8.GetByteCount(entry.Key);
            length += Varint.Length((ulong)name) + name + Varint.Length((ulong)entry.Value.Length) + entry.Value.Length;
        }
        return length;
    }

    /// <summary>Writes what <see cref="Measure"/> has measured, and <see cref="Varint.MaxLength"/> bytes of room behind it.</summary>
    public static int Write(Span<byte> target, MessageHeaders headers)
    {
        var at = Varint.Write(target, (ulong)headers.Count);
        foreach (var entry in headers)
        {
            at += Varint.Write(target[at..], (ulong)Encoding.UTF8.GetByteCount(entry.Key));
            at += Encoding.UTF8.GetBytes(entry.Key, target[at..]);
            at += Varint.Write(target[at..], (ulong)entry.Value.Length);
            entry.Value.Span.CopyTo(target[at..]);
            at += entry.Value.Length;
        }
        return at;
    }

    /// <summary>Reads headers; their values are slices of <paramref name="source"/>.</summary>
    /// <exception cref="CometException"><see cref="ErrorCode.CorruptBatch"/>.</exception>
    public static MessageHeaders Read(ReadOnlyMemory<byte> source)
    {
        if (source.IsEmpty)
            return MessageHeaders.Empty;
        var at = 0;
        var count = ReadLength(source.Span, ref at);
        if ((long)count * MinEntryLength > source.Length)
            throw RecordBatchHeader.Corrupt($"{count} headers do not fit into {source.Length} bytes");
        var headers = new MessageHeaders(count);
        for (var i = 0; i < count; i++)
        {
            var name = Encoding.UTF8.GetString(Take(source, ref at).Span);
            var value = Take(source, ref at);
            if (name.Length == 0)
                throw RecordBatchHeader.Corrupt("a header has no name");
            headers.Add(name, value);
        }
        return headers;
    }

    private static ReadOnlyMemory<byte> Take(ReadOnlyMemory<byte> source, ref int at)
    {
        var length = ReadLength(source.Span, ref at);
        if (length > source.Length - at)
            throw RecordBatchHeader.Corrupt("a header is longer than the headers");
        var bytes = source.Slice(at, length);
        at += length;
        return bytes;
    }

    private static int ReadLength(ReadOnlySpan<byte> source, ref int at)
    {
        var read = Varint.Read(source[at..], out var value);
        if (read <= 0 || value > int.MaxValue)
            throw RecordBatchHeader.Corrupt("a length in the headers of a record does not end where it should");
        at += read;
        return (int)value;
    }
}
