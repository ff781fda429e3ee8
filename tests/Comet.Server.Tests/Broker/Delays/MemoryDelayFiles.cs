using Comet.Server.Broker;
using Comet.Server.Storage;

namespace Comet.Server.Tests.Broker;

/// <summary>Runs in memory; what is to be done elsewhere is done when the test says so, and can fail.</summary>
/// <param name="inner">Where runs are instead.</param>
internal sealed class MemoryDelayFiles(IDelayFiles? inner = null) : IDelayFiles
{
    private readonly Queue<Action> _work = new();
    private readonly Dictionary<long, Run> _runs = [];
    private long _lastId;

    /// <summary>Whether what is written next fails.</summary>
    public bool Fails { get; set; }

    /// <summary>How many runs were written, merged ones too.</summary>
    public int Written { get; private set; }

    /// <summary>How many there are.</summary>
    public int Count => _runs.Count;

    /// <summary>How much is to be done.</summary>
    public int Pending => _work.Count;

    public void Work()
    {
        if (_work.TryDequeue(out var work))
            work();
    }

    /// <summary>The process is gone.</summary>
    public void Lose() => _work.Clear();

    /// <summary>A run is lost.</summary>
    public void LoseRun() => _runs.Remove(_runs.Keys.First());

    public void Post(Action work, bool isLong) => _work.Enqueue(work);

    public IDelayRun Write(DelayRunContent content)
    {
        ThrowIfAsked();
        if (inner is not null)
            return inner.Write(content);
        return Add(content.Waiting, content.Keys);
    }

    public IDelayRun? Merge(IReadOnlyList<IDelayRun> runs, OffsetBits wanted)
    {
        ThrowIfAsked();
        if (inner is not null)
            return inner.Merge(runs, wanted);
        DueOffset[] waiting = [.. runs.SelectMany(static run => ((Run)run).Waiting).Where(entry => wanted.Contains(entry.Offset))];
        KeyedOffset[] keys = [.. runs.SelectMany(static run => ((Run)run).Keys).Where(entry => wanted.Contains(entry.Offset))];
        return waiting.Length + keys.Length == 0 ? null : Add(waiting, keys);
    }

    public IDelayRun? Open(DelayRunName name) => inner is not null ? inner.Open(name) : _runs.GetValueOrDefault(name.Id);

    public void Remove(IEnumerable<IDelayRun> runs)
    {
        if (inner is not null)
            inner.Remove(runs);
        foreach (var run in runs)
            _runs.Remove(run.Name.Id);
    }

    public void RemoveAllBut(IReadOnlyList<DelayRunName> names)
    {
        inner?.RemoveAllBut(names);
        foreach (var id in _runs.Keys.Except(names.Select(static name => name.Id)).ToArray())
            _runs.Remove(id);
    }

    private Run Add(DueOffset[] waiting, KeyedOffset[] keys)
    {
        Array.Sort(waiting, DueOrder.Ascending);
        var run = new Run(new(++_lastId, waiting.Length, keys.Length), waiting, keys);
        _runs.Add(_lastId, run);
        return run;
    }

    private void ThrowIfAsked()
    {
        Written++;
        if (!Fails)
            return;
        Fails = false;
        throw new IOException("The disk is full.");
    }

    private sealed class Run(DelayRunName name, DueOffset[] waiting, KeyedOffset[] keys) : IDelayRun
    {
        public DelayRunName Name => name;

        public DueOffset[] Waiting => waiting;

        public KeyedOffset[] Keys => keys;

        public int Read(long index, Span<DueOffset> target)
        {
            var count = (int)Math.Min(target.Length, waiting.Length - index);
            waiting.AsSpan((int)index, count).CopyTo(target);
            return count;
        }

        public long IndexOf(long due) => waiting.Count(entry => entry.Due < due);

        public void CopyKeyed(int hash, List<long> target) => target.AddRange(keys.Where(k => k.Hash == hash).Select(static k => k.Offset));
    }
}
