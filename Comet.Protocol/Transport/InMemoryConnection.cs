using System.IO.Pipelines;

namespace Comet.Transport;

/// <summary>Two ends of a connection within one process. A continuation goes to the synchronization context it was awaited under, and
/// to the thread pool where there is none: a simulation on one thread stays on it, and no side runs inside the other one's call.</summary>
internal sealed class InMemoryConnection : ICometConnection
{
    private const int PauseThreshold = 1024 * 1024;
    private const int MinimumSegmentSize = 32 * 1024;

    private InMemoryConnection(PipeReader input, PipeWriter output, string remoteAddress) =>
        (Input, Output, RemoteAddress) = (input, output, remoteAddress);

    public PipeReader Input { get; }

    public PipeWriter Output { get; }

    public string RemoteAddress { get; }

    public static (InMemoryConnection Client, InMemoryConnection Server) CreatePair()
    {
        var options = new PipeOptions(
            readerScheduler: PipeScheduler.ThreadPool,
            writerScheduler: PipeScheduler.ThreadPool,
            pauseWriterThreshold: PauseThreshold,
            resumeWriterThreshold: PauseThreshold / 2,
            minimumSegmentSize: MinimumSegmentSize,
            useSynchronizationContext: true);
        var toServer = new Pipe(options);
        var toClient = new Pipe(options);
        return (
            new InMemoryConnection(toClient.Reader, toServer.Writer, "memory:broker"),
            new InMemoryConnection(toServer.Reader, toClient.Writer, "memory:client"));
    }

    public async ValueTask DisposeAsync()
    {
        await Input.CompleteAsync();
        await Output.CompleteAsync();
    }
}
