using System.IO.Pipelines;

namespace Comet.Client.Tests.Scripted;

/// <summary>A connection that passes bytes on between a client and a broker, until it is cut; either direction can be held.</summary>
internal sealed class Relay : ICometConnection
{
    private readonly ICometConnection _inner;
    private readonly Pipe _toBroker = new();
    private readonly Pipe _toClient = new();
    private readonly CancellationTokenSource _cut = new();
    private readonly Task _passing;

    public Relay(ICometConnection inner, Hold requests, Hold answers)
    {
        _inner = inner;
        _passing = Task.WhenAll(
            Task.Run(() => PassAsync(_toBroker.Reader, inner.Output, requests)),
            Task.Run(() => PassAsync(inner.Input, _toClient.Writer, answers)));
    }

    public PipeReader Input => _toClient.Reader;

    public PipeWriter Output => _toBroker.Writer;

    public string RemoteAddress => "scripted:broker";

    /// <summary>Ends both sides, as a cable does that is pulled.</summary>
    public async Task CutAsync()
    {
        await _cut.CancelAsync();
        await _passing;
    }

    public async ValueTask DisposeAsync()
    {
        await _toBroker.Writer.CompleteAsync();
        await CutAsync();
    }

    private async Task PassAsync(PipeReader from, PipeWriter to, Hold hold)
    {
        try
        {
            while (true)
            {
                var read = await from.ReadAsync(_cut.Token);
                await hold.PassAsync(_cut.Token);
                foreach (var segment in read.Buffer)
                    await to.WriteAsync(segment, _cut.Token);
                from.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted)
                    break;
            }
        }
        catch (Exception e) when (e is OperationCanceledException or InvalidOperationException or IOException)
        {
            // Cut, or one of the ends has gone: so does the other one.
        }
        // What one side has ended, the other one hears of.
        await to.CompleteAsync();
        await from.CompleteAsync();
        await _cut.CancelAsync();
    }
}

/// <summary>A gate that bytes pass while it is open.</summary>
internal sealed class Hold
{
    private volatile TaskCompletionSource _open = Opened();

    public void Close() => _open = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Open() => _open.TrySetResult();

    public Task PassAsync(CancellationToken cancellationToken) => _open.Task.WaitAsync(cancellationToken);

    private static TaskCompletionSource Opened()
    {
        var opened = new TaskCompletionSource();
        opened.SetResult();
        return opened;
    }
}
