using System.Buffers;
using System.IO.Pipelines;

namespace Comet.Cli;

/// <summary>Reads lines as bytes, as they are: without the line feed, with whatever else stands in them. A last line without a line feed
/// counts, an empty rest behind the last line feed does not.</summary>
internal static class LineReader
{
    private const int BufferSize = 64 * 1024;

    /// <summary>Hands each line to <paramref name="take"/>; the bytes are valid until it returns.</summary>
    /// <exception cref="UsageException">A line is longer than <paramref name="maxLength"/>.</exception>
    public static async Task ReadAllAsync(
        Stream input, int maxLength, Func<ReadOnlyMemory<byte>, ValueTask> take, CancellationToken cancellationToken)
    {
        var reader = PipeReader.Create(input, new StreamPipeReaderOptions(bufferSize: BufferSize));
        var lines = 0L;
        while (true)
        {
            // Reading a terminal or a pipe cannot be cancelled; it is left behind.
            var result = await reader.ReadAsync(CancellationToken.None).AsTask().WaitAsync(cancellationToken);
            var buffer = result.Buffer;
            while (TryTakeLine(ref buffer, out var line))
            {
                lines++;
                await take(line);
            }
            if (buffer.Length > maxLength)
                throw new UsageException($"Line {lines + 1} is longer than {maxLength} bytes, the most a message may have.");
            if (result.IsCompleted)
            {
                if (buffer.Length > 0)
                    await take(Join(buffer));
                return;
            }
            reader.AdvanceTo(buffer.Start, buffer.End);
        }
    }

    private static bool TryTakeLine(ref ReadOnlySequence<byte> buffer, out ReadOnlyMemory<byte> line)
    {
        line = default;
        if (buffer.PositionOf((byte)'\n') is not { } end)
            return false;
        line = Join(buffer.Slice(0, end));
        buffer = buffer.Slice(buffer.GetPosition(1, end));
        return true;
    }

    private static ReadOnlyMemory<byte> Join(in ReadOnlySequence<byte> bytes) => bytes.IsSingleSegment ? bytes.First : bytes.ToArray();
}
