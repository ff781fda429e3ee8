using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using Comet.Cli.Commands;
using Comet.Client;

namespace Comet.Cli.Output;

/// <summary>Messages on standard output, one to a line: the payload as it is, or a JSON object.</summary>
internal sealed class MessageOutput(bool isJson)
{
    private readonly PipeWriter _output = PipeWriter.Create(StandardOutput.Open());

    public void Write(Delivery<ReadOnlyMemory<byte>> delivery)
    {
        if (isJson)
            _output.Write(Encoding.UTF8.GetBytes(CliJson.Line(MessageLine.From(delivery), CliJson.Default.MessageLine)));
        else
            _output.Write(delivery.Payload.Span);
        _output.Write("\n"u8);
    }

    public ValueTask<FlushResult> FlushAsync() => _output.FlushAsync(CancellationToken.None);
}
