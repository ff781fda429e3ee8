using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;

namespace Comet.Server.Storage.Local;

/// <summary>Looks after the older segments of all partitions, one after the other, on one thread however many partitions
/// there are: every so often it goes through all of them.</summary>
internal sealed class StorageUpkeep : IDisposable
{
    private readonly TimeSpan _interval;
    private readonly Func<List<LocalPartition>> _partitions;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _closing = new();
    private readonly object _gate = new();
    private readonly Thread _thread;

    public StorageUpkeep(TimeSpan interval, Func<List<LocalPartition>> partitions, ILogger logger)
    {
        (_interval, _partitions, _logger) = (interval, partitions, logger);
        _thread = new Thread(Run) { IsBackground = true, Name = "Comet upkeep" };
        _thread.Start();
    }

    /// <summary>Ends what is under way, between two steps, and waits for that.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_closing.IsCancellationRequested)
                return;
            _closing.Cancel();
            Monitor.Pulse(_gate);
        }
        _thread.Join();
        _closing.Dispose();
    }

    private void Run()
    {
        while (WaitForNext())
        {
            foreach (var partition in _partitions())
            {
                if (_closing.IsCancellationRequested)
                    return;
                LookAfter(partition);
            }
        }
    }

    private bool WaitForNext()
    {
        lock (_gate)
        {
            if (!_closing.IsCancellationRequested)
                Monitor.Wait(_gate, _interval);
            return !_closing.IsCancellationRequested;
        }
    }

    [SuppressMessage("Design", "CA1031", Justification = "What goes wrong with one partition is told, and others get their turn.")]
    private void LookAfter(LocalPartition partition)
    {
        try
        {
            partition.LookAfter(_closing.Token);
        }
        catch (OperationCanceledException) when (_closing.IsCancellationRequested)
        {
            // The next start goes on.
        }
        catch (Exception e)
        {
            LocalLog.UpkeepFailed(_logger, e);
        }
    }
}
