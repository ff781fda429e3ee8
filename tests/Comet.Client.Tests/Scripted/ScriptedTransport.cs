using System.Collections.Concurrent;
using System.Threading.Channels;

namespace Comet.Client.Tests.Scripted;

/// <summary>A network between a client and brokers that does what a test tells it to: refuses dials, cuts connections, holds
/// bytes.</summary>
internal sealed class ScriptedTransport : ICometTransport
{
    private readonly ConcurrentDictionary<CometEndpoint, ICometTransport> _nodes = new();
    private readonly ConcurrentQueue<Relay> _open = new();
    private readonly Channel<CometEndpoint> _dials = Channel.CreateUnbounded<CometEndpoint>();
    private readonly ICometTransport? _everywhere;
    private volatile bool _isRefusing;

    public ScriptedTransport(ICometTransport? everywhere = null) => _everywhere = everywhere;

    /// <summary>Holds what the client sends.</summary>
    public Hold Requests { get; } = new();

    /// <summary>Holds what the broker sends.</summary>
    public Hold Answers { get; } = new();

    /// <summary>Every attempt to connect, in order.</summary>
    public ChannelReader<CometEndpoint> Dials => _dials.Reader;

    /// <summary>Puts a broker at an address; null takes it away.</summary>
    public ICometTransport? this[CometEndpoint node]
    {
        set
        {
            if (value is null)
                _nodes.TryRemove(node, out _);
            else
                _nodes[node] = value;
        }
    }

    public void Refuse() => _isRefusing = true;

    public void Admit() => _isRefusing = false;

    /// <summary>Cuts all connections; on return both sides have been told.</summary>
    public async Task CutAsync()
    {
        while (_open.TryDequeue(out var relay))
            await relay.CutAsync();
    }

    public async ValueTask<ICometConnection> ConnectAsync(CometEndpoint endpoint, CancellationToken cancellationToken)
    {
        _dials.Writer.TryWrite(endpoint);
        if (_isRefusing || (_nodes.GetValueOrDefault(endpoint) ?? _everywhere) is not { } node)
            throw new CometException(ErrorCode.ConnectFailed, $"The script refuses {endpoint}.");
        var relay = new Relay(await node.ConnectAsync(endpoint, cancellationToken), Requests, Answers);
        _open.Enqueue(relay);
        return relay;
    }
}
