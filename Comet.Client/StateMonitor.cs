using System.Runtime.CompilerServices;
using Comet.Transport;

namespace Comet.Client;

/// <summary>The state of a client, producer or consumer as something to look at, to wait for and to watch.</summary>
/// <typeparam name="TState">An enumeration.</typeparam>
/// <remarks>Thread-safe. Waiting and watching end when a final state is reached.</remarks>
public sealed class StateMonitor<TState>
    where TState : struct, Enum
{
    private readonly Lock _gate = new();
    private readonly Func<TState, bool> _isFinal;
    private Node _current;

    internal StateMonitor(TState initial, Func<TState, bool> isFinal)
    {
        _current = new Node(initial);
        _isFinal = isFinal;
    }

    /// <summary>The state at this moment.</summary>
    public TState Current => _current.State;

    /// <summary>Why the final state was reached, when that was a fault; otherwise null.</summary>
    public CometException? Fault { get; private set; }

    /// <summary>Whether the state will never change again.</summary>
    public bool IsFinal => _isFinal(Current);

    /// <summary>Completes when the state is <paramref name="state"/>, at once if it is already.</summary>
    /// <exception cref="CometException">A final state was reached instead; the fault's code, or <see cref="ErrorCode.Closed"/>.</exception>
    public Task WaitForAsync(TState state, CancellationToken cancellationToken = default) =>
        WaitForAsync(s => EqualityComparer<TState>.Default.Equals(s, state), cancellationToken);

    /// <summary>Completes with the first state that fulfils the condition, the current one included. States that pass quickly are not
    /// missed.</summary>
    /// <inheritdoc cref="WaitForAsync(TState, CancellationToken)"/>
    public async Task<TState> WaitForAsync(Func<TState, bool> condition, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(condition);
        await foreach (var state in WatchAsync(cancellationToken))
        {
            if (condition(state))
                return state;
        }
        throw new CometException(Fault?.Code ?? ErrorCode.Closed,
            Fault?.Message ?? $"It ended as {Current}; the state that was waited for will not come.", Fault);
    }

    /// <summary>The current state, then each change, in order and without gaps; ends behind a final state.</summary>
    public async IAsyncEnumerable<TState> WatchAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var node = _current;
        while (true)
        {
            yield return node.State;
            if (_isFinal(node.State))
                yield break;
            node = await node.Next.Task.InContextAsync().WaitAsync(cancellationToken);
        }
    }

    /// <summary>Moves to another state; does nothing when it is the same, or when a final one has been reached.</summary>
    internal void Set(TState state, CometException? fault = null)
    {
        Node previous;
        lock (_gate)
        {
            if (_isFinal(_current.State) || EqualityComparer<TState>.Default.Equals(_current.State, state))
                return;
            if (_isFinal(state))
                Fault = fault;
            previous = _current;
            _current = new Node(state);
        }
        previous.Next.TrySetResult(_current);
    }

    private sealed class Node(TState state)
    {
        public TState State { get; } = state;

        public TaskCompletionSource<Node> Next { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}

/// <summary>What a client is doing.</summary>
public enum ClientState
{
    /// <summary>It is connected to a node.</summary>
    Connected,
    /// <summary>It has lost its node and tries the next one. Producers and consumers wait and go on.</summary>
    Reconnecting,
    /// <summary>It was disposed. Final.</summary>
    Closed,
    /// <summary>It cannot go on; <see cref="StateMonitor{TState}.Fault"/> says why. Final.</summary>
    Faulted,
}

/// <summary>What a producer is doing.</summary>
public enum ProducerState
{
    /// <summary>It is attached to all partitions.</summary>
    Attached,
    /// <summary>It is being attached again; messages wait.</summary>
    Reattaching,
    /// <summary>It was disposed or its writer completed. Final.</summary>
    Closed,
    /// <summary>It cannot go on; <see cref="StateMonitor{TState}.Fault"/> says why. Final.</summary>
    Faulted,
}

/// <summary>What a consumer or reader is doing.</summary>
public enum ConsumerState
{
    /// <summary>It is attached to all partitions.</summary>
    Attached,
    /// <summary>It is being attached again; the stream waits.</summary>
    Reattaching,
    /// <summary>It was disposed. Final.</summary>
    Closed,
    /// <summary>It cannot go on; <see cref="StateMonitor{TState}.Fault"/> says why. Final.</summary>
    Faulted,
}
