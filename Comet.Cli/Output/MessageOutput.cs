using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using Comet.Cli.Commands;
using Comet.Client;
using Microsoft.Win32.SafeHandles;

namespace Comet.Cli.Output;

/// <summary>Messages on standard output, one to a line: the payload as it is, or a JSON object.</summary>
internal sealed class MessageOutput(bool isJson)
{
    private const int StandardOutput = 1;

    private readonly PipeWriter _output = PipeWriter.Create(Open());

    public void Write(Delivery<ReadOnlyMemory<byte>> delivery)
    {
        if (isJson)
            _output.Write(Encoding.UTF8.GetBytes(CliJson.Line(MessageLine.From(delivery), CliJson.Default.MessageLine)));
        else
            _output.Write(delivery.Payload.Span);
        _output.Write("\n"u8);
    }

    public ValueTask<FlushResult> FlushAsync() => _output.FlushAsync(CancellationToken.None);

    // The console's own stream ignores that nobody reads its pipe any more (as behind 'head'); what is lost there must not be acked. In a
    // file a stream of our own would write at a position of its own, over what others write to the same one.
    private static Stream Open()
    {
        if (OperatingSystem.IsWindows())
            return Console.OpenStandardOutput();
        var stream = new FileStream(new SafeFileHandle(StandardOutput, ownsHandle: false), FileAccess.Write, bufferSize: 0);
        return stream.CanSeek ? Console.OpenStandardOutput() : stream;
    }
}
