using Comet.Server.Broker;

namespace Comet.Server.Tests.Broker;

/// <summary>A delay index, and beside it a plain list of what waits that is searched from end to end.</summary>
/// <param name="files">Where goes what is too much for memory.</param>
internal sealed class DelayModel(MemoryDelayFiles? files = null)
{
    private const int Keys = 5;

    private readonly Queue<PartitionCommand> _inbox = new();
    private readonly Dictionary<long, (long Original, long Due, int? Key)> _waiting = [];
    private readonly HashSet<long> _cancelled = [];
    private DelayIndex? _made;
    private long _now = 1_000_000_000;
    private long _nextOffset;

    private DelayIndex Index => _made ??= new(new ScheduleBudget(long.MaxValue), files is null ? null : new DelaySpill(files)
    {
        Limit = 8, Inbox = _inbox.Enqueue,
    });

    public void Step(int kind, long delay, int pick)
    {
        if (files is not null)
            Work(pick);
        switch (kind)
        {
            case <= 3:
                Add(delay, pick);
                break;
            case 4:
                Cancel(pick);
                break;
            case 5:
                Reschedule(pick, _now + delay);
                break;
            case 6:
                Look(delay, pick);
                break;
            case 7:
                // A clock that is set back.
                _now -= delay / 10;
                Release();
                break;
            case 8:
                _now = Math.Max(_now, Math.Min(Index.NextDue, _now + 1_000_000_000));
                Release();
                break;
            default:
                _now += Math.Abs(delay);
                Release();
                break;
        }
        Check();
    }

    public void Finish()
    {
        _now += 1_000_000_000_000;
        Release();
        Check();
        Assert.Equal((0, 0), (Index.Count, Index.Moved.Count));
        Assert.Equal(long.MaxValue, Index.NextDue);
    }

    /// <summary>Some of what is written elsewhere comes back, or fails.</summary>
    private void Work(int pick)
    {
        files!.Fails = pick % 11 == 0;
        for (var left = pick % 3; left > 0; left--)
            files.Work();
        while (_inbox.TryDequeue(out var command))
            Index.Finish((DelayWork)command.Detail!);
        Index.Settle();
    }

    private void Add(long delay, int pick)
    {
        // Between messages that wait are others.
        _nextOffset += pick % 3;
        var due = _now + Math.Max(delay, 1);
        int? key = pick % Keys == 0 ? null : pick % Keys;
        Index.Budget.Take(1);
        Index.Add(_nextOffset, due, key);
        _waiting.Add(_nextOffset++, (due, due, key));
    }

    private void Cancel(int pick)
    {
        var offset = Pick(pick);
        Assert.Equal(_waiting.Remove(offset), Index.Cancel(offset));
        if (Index.Cancelled.Contains(offset))
            _cancelled.Add(offset);
    }

    private void Reschedule(int pick, long due)
    {
        var offset = Pick(pick);
        if (_waiting.TryGetValue(offset, out var entry))
        {
            Assert.True(Index.Reschedule(offset, entry.Original, due));
            _waiting[offset] = entry with { Due = due };
        }
        else
        {
            Assert.False(Index.Reschedule(offset, 0, due));
        }
    }

    private void Release()
    {
        var expected = _waiting.Where(w => w.Value.Due <= _now).OrderBy(w => w.Value.Due).ThenBy(w => w.Key).Select(w => w.Key).ToList();
        Assert.Equal(expected, DelayIndexTests.Release(Index, _now));
        expected.ForEach(offset => _waiting.Remove(offset));
    }

    private void Look(long delay, int pick)
    {
        var (from, to) = (_now - delay, _now + (2 * delay));
        var all = _waiting.Where(w => w.Value.Due >= from && w.Value.Due <= to)
            .Select(w => new DueOffset(w.Value.Due, w.Key)).Order(DueOrder.Ascending).ToList();
        Assert.Equal(all.Count, Index.CountBetween(from, to));
        var pages = new List<DueOffset>();
        for (var after = new DueOffset(long.MinValue, -1); ; after = pages[^1])
        {
            var page = new List<DueOffset>();
            Index.CopyPage(after, from, to, 1 + (pick % 4), page);
            pages.AddRange(page);
            if (page.Count == 0)
                break;
        }
        Assert.Equal(all, pages);
        var keyed = new List<long>();
        Index.CopyKeyed(pick % Keys, keyed);
        Assert.Equal(_waiting.Where(w => w.Value.Key == pick % Keys).Select(w => w.Key).Order(), keyed);
    }

    private void Check()
    {
        Assert.Equal(_waiting.Count, Index.Count);
        Assert.Equal(_waiting.Count, Index.Budget.Used);
        Assert.Equal(_cancelled.Count, Index.Cancelled.Count);
        if (_waiting.Count == 0)
            return;
        Assert.Equal(_waiting.Keys.Min(), Index.Pending.First);
        Assert.True(Index.NextDue <= _waiting.Values.Min(static w => w.Due), "It sleeps beyond a message that is due.");
    }

    private long Pick(int pick) => _nextOffset == 0 ? pick : Math.Max(0, _nextOffset - 1 - pick);
}
