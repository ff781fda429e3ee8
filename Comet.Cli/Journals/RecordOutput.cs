using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using Comet.Cli.Output;
using Comet.Journals;

namespace Comet.Cli.Journals;

/// <summary>Writes records to standard output: payloads, or JSON.</summary>
internal sealed class RecordOutput(bool isJson) : IAsyncDisposable
{
    // Enough for large writes; a reader of the pipe does not wait long for what comes slowly, since waiting flushes first.
    private const int FlushBytes = 64 * 1024;

    private readonly PipeWriter _output = PipeWriter.Create(StandardOutput.Open());

    public long Written { get; private set; }

    /// <summary>Whether enough has gathered to be flushed.</summary>
    public bool IsFull => _output.UnflushedBytes >= FlushBytes;

    public void Write(in JournalRecord record)
    {
        if (isJson)
            _output.Write(Encoding.UTF8.GetBytes(CliJson.Line(RecordLine.From(record), CliJson.Default.RecordLine)));
        else
            _output.Write(record.Payload);
        _output.Write("\n"u8);
        Written++;
    }

    public async ValueTask FlushAsync() => await _output.FlushAsync(CancellationToken.None);

    public ValueTask DisposeAsync() => _output.CompleteAsync();
}

/// <summary>A record as JSON. A payload that is no UTF-8 stands in payloadBase64.</summary>
internal sealed record RecordLine(long Sequence, DateTimeOffset Time, long Segment, long FilePosition, string? Payload, string? PayloadBase64)
{
    public static RecordLine From(in JournalRecord record)
    {
        var text = PayloadText.TryDecode(record.Payload);
        return new(record.Sequence, record.Timestamp, record.Position.Segment, record.Position.FilePosition, text,
            text is null ? Convert.ToBase64String(record.Payload) : null);
    }
}
