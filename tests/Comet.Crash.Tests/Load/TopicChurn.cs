using Comet.Client;

namespace Comet.Crash.Tests.Load;

/// <summary>Makes and deletes topics all the time, and knows which have to be there.</summary>
internal sealed class TopicChurn : IAsyncDisposable
{
    private const int Kept = 3;

    private readonly CometClient _client;
    private readonly CancellationTokenSource _stop = new();
    private readonly List<string> _made = [];
    private readonly List<string> _deleted = [];
    private Task _working = Task.CompletedTask;

    private TopicChurn(CometClient client) => _client = client;

    public static async Task<TopicChurn> StartAsync(string address)
    {
        var churn = new TopicChurn(await Workload.ConnectAsync(address));
        churn._working = churn.WorkAsync();
        return churn;
    }

    /// <summary>Ends, and looks at what is there: what was made and not deleted, and nothing that was deleted.</summary>
    public async Task CheckAsync()
    {
        await _stop.CancelAsync();
        await _working;
        var there = (await _client.Topics.ListAsync()).Select(static t => t.Name).ToHashSet(StringComparer.Ordinal);
        Assert.All(_made, each => Assert.True(there.Contains(each), $"The topic {each} was made and is gone."));
        Assert.All(_deleted, each => Assert.False(there.Contains(each), $"The topic {each} was deleted and is there."));
        foreach (var topic in _made)
            Assert.Equal(1, (await _client.Topics.DescribeAsync(topic)).Partitions[0].EndOffset);
    }

    public override string ToString() => $"{_made.Count + _deleted.Count} topics made, {_deleted.Count} deleted";

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _client.DisposeAsync();
        await _working;
        _stop.Dispose();
    }

    private async Task WorkAsync()
    {
        try
        {
            for (var i = 0; !_stop.IsCancellationRequested; i++)
            {
                var name = $"churn/{i}";
                if (!await IsDoneAsync(() => MakeAsync(name)))
                    continue;
                _made.Add(name);
                if (_made.Count <= Kept)
                    continue;
                var oldest = _made[0];
                _made.RemoveAt(0);
                if (await IsDoneAsync(() => _client.Topics.DeleteAsync(oldest, _stop.Token)))
                    _deleted.Add(oldest);
            }
        }
        catch (OperationCanceledException)
        {
            // Enough.
        }
    }

    private async Task MakeAsync(string name)
    {
        await _client.Topics.CreateAsync(name, cancellationToken: _stop.Token);
        await using var producer = await _client.CreateProducerAsync<string>(name, cancellationToken: _stop.Token);
        await producer.SendAsync(name, _stop.Token);
    }

    /// <summary>False when it is not known whether it was done.</summary>
    private static async Task<bool> IsDoneAsync(Func<Task> work)
    {
        try
        {
            await work();
            return true;
        }
        catch (CometException)
        {
            return false;
        }
    }
}
