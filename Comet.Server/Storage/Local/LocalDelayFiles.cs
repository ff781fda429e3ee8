using System.Globalization;
using Comet.Server.Broker;

namespace Comet.Server.Storage.Local;

/// <summary>The runs of a partition: files in a directory of their own, beside that of the journal.</summary>
/// <param name="directory">The directory, which is made with the first run.</param>
/// <param name="workers">Who writes and merges.</param>
/// <param name="damaged">Called when a run is damaged: no point to recover from may name it any more.</param>
internal sealed class LocalDelayFiles(string directory, DelayWorkers workers, Action damaged) : IDelayFiles
{
    private const string Extension = ".delays";
    private const int Window = 4 * DelayRunFile.TimesPerBlock;

    private static readonly Comparer<KeyedOffset> s_byKey = Comparer<KeyedOffset>.Create(
        static (a, b) => a.Hash != b.Hash ? a.Hash.CompareTo(b.Hash) : a.Offset.CompareTo(b.Offset));

    private long _lastId = -1;

    public void Post(Action work, bool isLong) => workers.Post(work, isLong);

    public IDelayRun Write(DelayRunContent content)
    {
        Array.Sort(content.Waiting, DueOrder.Ascending);
        Array.Sort(content.Keys, s_byKey);
        using var writer = Create(out var path);
        foreach (var entry in content.Waiting)
            writer.Add(entry);
        writer.BeginKeys();
        foreach (var entry in content.Keys)
            writer.Add(entry);
        return new DelayRunFile(path, writer.Finish(), damaged);
    }

    public IDelayRun? Merge(IReadOnlyList<IDelayRun> runs, OffsetBits wanted)
    {
        using var writer = Create(out var path);
        var files = runs.Cast<DelayRunFile>().ToArray();
        Merge(files, static (file, at, window) => file.Read(at, window), DueOrder.Ascending, entry =>
        {
            if (wanted.Contains(entry.Offset))
                writer.Add(entry);
        });
        writer.BeginKeys();
        Merge(files, static (file, at, window) => file.ReadKeys(at, window), s_byKey, entry =>
        {
            if (wanted.Contains(entry.Offset))
                writer.Add(entry);
        });
        return writer.IsEmpty ? null : new DelayRunFile(path, writer.Finish(), damaged);
    }

    public IDelayRun? Open(DelayRunName name)
    {
        var run = new DelayRunFile(PathOf(name.Id), name, damaged);
        return run.IsThere() ? run : null;
    }

    public void Remove(IEnumerable<IDelayRun> runs)
    {
        foreach (var run in runs)
            File.Delete(((DelayRunFile)run).Path);
    }

    public void RemoveAllBut(IReadOnlyList<DelayRunName> names)
    {
        if (!Directory.Exists(directory))
            return;
        var kept = names.Select(name => PathOf(name.Id)).ToHashSet(StringComparer.Ordinal);
        foreach (var file in Directory.EnumerateFiles(directory))
        {
            if (!kept.Contains(file))
                File.Delete(file);
        }
    }

    private delegate int Reading<T>(DelayRunFile file, long index, Span<T> window);

    /// <summary>Visits all entries of several runs in order.</summary>
    private void Merge<T>(DelayRunFile[] files, Reading<T> read, IComparer<T> order, Action<T> visit)
    {
        var next = new PriorityQueue<int, T>(order);
        var windows = new (T[] Entries, int At, int Count, long Next)[files.Length];
        for (var i = 0; i < files.Length; i++)
        {
            windows[i].Entries = new T[Window];
            Advance(i);
        }
        while (next.TryDequeue(out var first, out var entry))
        {
            visit(entry);
            Advance(first);
        }

        void Advance(int i)
        {
            ref var window = ref windows[i];
            if (window.At == window.Count)
            {
                workers.ThrowIfClosing();
                (window.At, window.Count) = (0, read(files[i], window.Next, window.Entries));
                window.Next += window.Count;
            }
            if (window.At < window.Count)
                next.Enqueue(i, window.Entries[window.At++]);
        }
    }

    private DelayRunWriter Create(out string path)
    {
        DataDirectory.CreateDirectory(directory);
        if (Volatile.Read(ref _lastId) < 0)
            Interlocked.CompareExchange(ref _lastId, FindLastId(), -1);
        var id = Interlocked.Increment(ref _lastId);
        path = PathOf(id);
        return new DelayRunWriter(path, id);
    }

    private long FindLastId() => Directory.EnumerateFiles(directory, "*" + Extension)
        .Select(static file => long.TryParse(
            Path.GetFileNameWithoutExtension(file), NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : 0)
        .DefaultIfEmpty(0).Max();

    private string PathOf(long id) => Path.Combine(directory, string.Create(CultureInfo.InvariantCulture, $"{id}{Extension}"));
}
