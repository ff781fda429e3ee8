using Comet.Journals;
using Microsoft.Extensions.Logging;

namespace Comet.Server.Storage.Local;

/// <summary>Looks after the older segments of one partition: in the journal that its owner has open, or in one that is opened for the
/// purpose, where the owner comes first. A look at the names in the directory tells whether that is worth it.</summary>
/// <param name="directory">The partition's.</param>
/// <param name="options">How to open it.</param>
/// <param name="logger">Told what cannot be done.</param>
internal sealed class PartitionUpkeep(string directory, LocalStorageOptions options, ILogger logger)
{
    private const string Hot = ".journal";
    private const string Packed = ".journal.packed";

    private readonly object _gate = new();
    private CancellationTokenSource? _visit;
    private bool _isOwned;
    private int _done;
    private string? _lastFailure;

    /// <summary>The owner is about to open the journal: returns when nobody else has it open, and nobody will.</summary>
    public void GiveWay()
    {
        lock (_gate)
        {
            _isOwned = true;
            while (_visit is not null)
            {
                _visit.Cancel();
                Monitor.Wait(_gate);
            }
        }
    }

    /// <summary>The owner has closed the journal.</summary>
    public void Closed()
    {
        lock (_gate)
            _isOwned = false;
    }

    /// <summary>Does what there is to do.</summary>
    /// <param name="plan">What.</param>
    /// <param name="open">The journal that the owner has open, or null.</param>
    /// <param name="cancellationToken">Ends it between two steps.</param>
    public void Run(JournalMaintenance plan, Journal? open, CancellationToken cancellationToken)
    {
        if (!HasWork(plan, open is not null))
            return;
        if (open is null)
            Visit(plan, cancellationToken);
        else
            RunIn(open, plan, cancellationToken);
    }

    private void Visit(JournalMaintenance plan, CancellationToken cancellationToken)
    {
        using var visit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        lock (_gate)
        {
            if (_isOwned)
                return;
            _visit = visit;
        }
        try
        {
            using var journal = OpenPartition.OpenJournal(directory, options);
            RunIn(journal, plan, visit.Token);
        }
        catch (JournalException e)
        {
            Report(e);
        }
        finally
        {
            lock (_gate)
            {
                _visit = null;
                Monitor.PulseAll(_gate);
            }
        }
    }

    private void RunIn(Journal journal, JournalMaintenance plan, CancellationToken cancellationToken)
    {
        try
        {
            var result = journal.RunMaintenance(plan, cancellationToken: cancellationToken);
            if (result.Failures is [var first, ..])
                Report(first);
            else
                (_done, _lastFailure) = (Look(plan).Signature, null);
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
            // Its owner wants it, or has closed it; or the broker ends.
        }
        catch (JournalException e)
        {
            Report(e);
        }
    }

    // Once and not with each attempt.
    private void Report(Exception failure)
    {
        if (failure.Message == _lastFailure)
            return;
        _lastFailure = failure.Message;
        LocalLog.SegmentsNotKept(logger, directory, failure.Message);
    }

    private bool HasWork(JournalMaintenance plan, bool isOpen)
    {
        var look = Look(plan);
        // While it is written, the segment before the newest may not have been ready the last time.
        return look.Segments > 1 && (look.Signature != _done || look.IsDue || (isOpen && look.HotSegments > 1));
    }

    private UpkeepLook Look(JournalMaintenance plan)
    {
        var look = default(UpkeepLook);
        if (!Directory.Exists(directory))
            return look;
        var now = TimeProvider.System.GetUtcNow().UtcDateTime;
        var first = plan.Cool ?? plan.Cold;
        foreach (var file in new DirectoryInfo(directory).EnumerateFiles())
        {
            if (IsSegment(file.Name))
            {
                look = look with
                {
                    Segments = look.Segments + 1,
                    HotSegments = look.HotSegments + (file.Name.EndsWith(Hot, StringComparison.Ordinal) ? 1 : 0),
                    Signature = look.Signature + string.GetHashCode(file.Name, StringComparison.Ordinal),
                    // A file is no older than the last record in it; a packed one is not the newest.
                    IsDue = look.IsDue || (first is not null && file.Name.EndsWith(Packed, StringComparison.Ordinal)
                        && now - file.LastWriteTimeUtc >= first.After),
                };
            }
        }
        return look with { IsDue = look.IsDue || IsDueInCool(plan, now) };
    }

    /// <summary>Whether something in the first tier may be due for the second one: it came there when it was as old as the first one
    /// says.</summary>
    private static bool IsDueInCool(JournalMaintenance plan, DateTime now) =>
        plan is { Cool: { } cool, Cold: { } cold } && Directory.Exists(cool.Directory) && new DirectoryInfo(cool.Directory).EnumerateFiles()
            .Any(file => IsSegment(file.Name) && now - file.LastWriteTimeUtc >= cold.After - cool.After);

    private static bool IsSegment(string name) =>
        name.EndsWith(Hot, StringComparison.Ordinal) || name.EndsWith(Packed, StringComparison.Ordinal);

    /// <summary>What a look at the names in a partition's directory tells.</summary>
    private readonly record struct UpkeepLook(int Segments, int HotSegments, int Signature, bool IsDue);
}
