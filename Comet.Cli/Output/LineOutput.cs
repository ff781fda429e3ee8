using System.Buffers;
using System.IO.Pipelines;
using System.Text;

namespace Comet.Cli.Output;

/// <summary>Payloads, or JSON objects that tell of them, on standard output: one to a line.</summary>
internal sealed class LineOutput : IAsyncDisposable
{
    // Enough for large writes; a reader of the pipe does not wait long for what comes slowly, since waiting flushes first.
    private const int FlushBytes = 64 * 1024;

    private readonly PipeWriter _output = PipeWriter.Create(StandardOutput.Open());

    /// <summary>How many lines there were.</summary>
    public long Written { get; private set; }

    /// <summary>Whether enough has gathered to be flushed.</summary>
    public bool IsFull => _output.UnflushedBytes >= FlushBytes;

    public void Write(string line) => Write(Encoding.UTF8.GetBytes(line));

    public void Write(ReadOnlySpan<byte> line)
    {
        _output.Write(line);
        _output.Write("\n"u8);
        Written++;
    }

    public async ValueTask FlushAsync() => await _output.FlushAsync(CancellationToken.None);

    public ValueTask DisposeAsync() => _output.CompleteAsync();
}
