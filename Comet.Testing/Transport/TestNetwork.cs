using System.IO.Pipelines;

namespace Comet.Testing.Transport;

/// <summary>The network between one client and a broker that may be absent: its weather, and its connections. Used on the engine
/// only.</summary>
internal sealed class TestNetwork(string client, TimeProvider time, Fingerprint fingerprint, Func<ICometTransport?> broker)
    : ICometTransport
{
    private readonly List<TestConnection> _open = [];
    private int _lastNumber;

    public string Client { get; } = client;

    /// <summary>What holds for the bytes that the client sends.</summary>
    public Weather ToBroker { get; } = new();

    /// <summary>What holds for the bytes that the broker sends.</summary>
    public Weather ToClient { get; } = new();

    public IReadOnlyList<TestConnection> Open => _open;

    /// <summary>How many connections were opened so far.</summary>
    public int Opened => _lastNumber;

    public async ValueTask<ICometConnection> ConnectAsync(CometEndpoint endpoint, CancellationToken cancellationToken)
    {
        // A lost SYN looks like this: nobody answers until the caller gives up.
        while (ToBroker.IsBlocked || ToClient.IsBlocked)
            await (ToBroker.IsBlocked ? ToBroker : ToClient).Changed.WaitAsync(cancellationToken);
        var target = broker() ?? throw new CometException(ErrorCode.ConnectFailed,
            $"Nothing answers at {endpoint}: the test has stopped the broker.");
        var inner = await target.ConnectAsync(endpoint, cancellationToken);
        var connection = new TestConnection(inner, this, time, fingerprint, $"{Client}#{++_lastNumber}");
        _open.Add(connection);
        _ = RunAsync(connection);
        return connection;
    }

    public void Apply(Fault fault)
    {
        if (fault.Direction != FaultDirection.ToClient)
            ToBroker.Add(fault);
        if (fault.Direction != FaultDirection.ToBroker)
            ToClient.Add(fault);
    }

    /// <summary>Ends a fault; null: all.</summary>
    public void Heal(Fault? fault)
    {
        ToBroker.Remove(fault);
        ToClient.Remove(fault);
    }

    private async Task RunAsync(TestConnection connection)
    {
        await connection.RunAsync();
        _open.Remove(connection);
    }
}

/// <summary>A client's end of a connection, with a stretch in each direction between it and the broker's.</summary>
internal sealed class TestConnection : ICometConnection
{
    // As the connection behind it.
    private const int PauseThreshold = 1024 * 1024;

    private readonly ICometConnection _inner;
    private readonly Stretch _toBroker;
    private readonly Stretch _toClient;

    public TestConnection(ICometConnection inner, TestNetwork network, TimeProvider time, Fingerprint fingerprint, string name)
    {
        _inner = inner;
        var options = new PipeOptions(pauseWriterThreshold: PauseThreshold, resumeWriterThreshold: PauseThreshold / 2,
            useSynchronizationContext: true);
        var (sent, received) = (new Pipe(options), new Pipe(options));
        (Output, Input, RemoteAddress) = (sent.Writer, received.Reader, inner.RemoteAddress);
        _toBroker = new Stretch(sent.Reader, inner.Output, network.ToBroker, time, fingerprint, name + ">") { CutReached = Cut };
        _toClient = new Stretch(inner.Input, received.Writer, network.ToClient, time, fingerprint, name + "<") { CutReached = Cut };
    }

    public PipeReader Input { get; }

    public PipeWriter Output { get; }

    public string RemoteAddress { get; }

    public async Task RunAsync()
    {
        await Task.WhenAll(_toBroker.RunAsync(), _toClient.RunAsync());
        await _inner.DisposeAsync();
    }

    /// <summary>Ends both directions at once.</summary>
    public void Cut()
    {
        _toBroker.Cut();
        _toClient.Cut();
    }

    /// <summary>Ends both when one direction has carried so many bytes more.</summary>
    public void CutAfter(int bytes)
    {
        _toBroker.CutAfter(bytes);
        _toClient.CutAfter(bytes);
    }

    /// <summary>Ends both as soon as something more of the client's has arrived and the broker has made of it what it can; what the
    /// broker says meanwhile does not arrive.</summary>
    /// <param name="whenHandled">Completes when the broker can do no more.</param>
    public void CutBeforeAnswer(Func<Task> whenHandled)
    {
        _toClient.Hold();
        _toBroker.Arrived = () =>
        {
            _toBroker.Arrived = null;
            _ = CutWhenAsync(whenHandled());
        };
    }

    public async ValueTask DisposeAsync()
    {
        await Input.CompleteAsync();
        await Output.CompleteAsync();
    }

    private async Task CutWhenAsync(Task handled)
    {
        await handled;
        Cut();
    }
}
