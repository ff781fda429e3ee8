using System.Globalization;
using Comet.Journals;
using Comet.Server.Broker;
using Comet.Server.Storage.Memory;
using Microsoft.Extensions.Logging;

namespace Comet.Server.Storage.Local;

/// <summary>Everything in a directory: messages in journals, the rest in SQLite (decision 0090).</summary>
internal sealed class LocalStorage : IBrokerStorage
{
    // So many files are closed at once when there are too many: looking for the longest unused takes a walk over all.
    private const int RestShare = 8;

    private readonly DataDirectory _directory;
    private readonly MemoryBudget _budget;
    private readonly ILogger _logger;
    private readonly DelayWorkers _delayWorkers = new();
    private readonly Lock _gate = new();
    private readonly Dictionary<string, LocalTopic> _topics = new(StringComparer.Ordinal);
    private readonly HashSet<LocalPartition> _open = [];
    private readonly Dictionary<string, List<LocalPartition>> _partitions = new(StringComparer.Ordinal);
    private readonly StorageUpkeep _upkeep;
    private readonly int _mostOpen;
    private long _lastTopicId;

    /// <summary>Takes the directory and reads what is in it.</summary>
    /// <exception cref="CometException">It is in use, or cannot be used; nothing has changed then.</exception>
    public LocalStorage(LocalStorageOptions options, long memoryLimit, TimeProvider time, ILogger logger)
    {
        (Options, _logger) = (options, logger);
        _budget = new MemoryBudget(memoryLimit);
        ReadAheadBudget = new MemoryBudget(options.ReadAheadLimit);
        _mostOpen = OpenFileLimit.Bound(options.MaxOpenPartitions, OpenFileLimit.Read(), logger);
        _directory = DataDirectory.Take(options.Directory);
        try
        {
            Metadata = LocalMetadata.Open(_directory, UnixMicroseconds.Now(time), logger);
            var newKeys = KeyChecks.Check(Metadata, options.Keys, _directory.Path);
            Ballast = new Ballast(_directory.Ballast);
            if (!Ballast.HasRoom)
                LocalLog.NoBallast(logger, _directory.Path);
            Writer = new MetadataWriter(Metadata, Ballast.Release, logger);
            Fence = new(Math.Max(Metadata.ReadNode("epoch", 0) + 1, UnixMicroseconds.Now(time)));
            Writer.Add(commands => commands.SaveNode("epoch", Fence.Epoch));
            if (newKeys.Count > 0)
                Writer.Add(commands => newKeys.ForEach(key => commands.SaveNode(key.Name, key.Check)));
            Load();
            _upkeep = new StorageUpkeep(options.UpkeepInterval, ListPartitions, logger);
        }
        catch
        {
            Writer?.Dispose();
            Metadata?.Dispose();
            _directory.Dispose();
            throw;
        }
    }

    public LocalStorageOptions Options { get; }

    public ILogger Logger => _logger;

    public MetadataFile Metadata { get; }

    public MetadataWriter Writer { get; }

    public Ballast Ballast { get; }

    /// <summary>The memory for what is read ahead.</summary>
    public MemoryBudget ReadAheadBudget { get; }

    /// <summary>Where partitions wait for the disk.</summary>
    public DiskThreads Threads { get; } = new();

    public FencingToken Fence { get; }

    public IReadOnlyList<StoredTopic> Topics { get; private set; } = [];

    public IReadOnlyList<DuePartition> Due { get; private set; } = [];

    public Durability Resolve(Durability asked) => asked switch
    {
        Durability.Memory => Durability.Os,
        <= Durability.Disk => asked,
        _ => throw new CometException(ErrorCode.Unsupported, $"This broker keeps messages on its own disk; it cannot promise {asked}."),
    };

    public void Save(StoredTopic topic)
    {
        lock (_gate)
        {
            if (!_topics.TryGetValue(topic.Name, out var known))
                _topics.Add(topic.Name, known = new(++_lastTopicId, topic.Name, isNew: true));
            known.Partitions = topic.Partitions;
            known.Compression = topic.Policy.StorageCompression;
            // Under the lock: what is saved last has to be what is written last.
            Writer.Add(commands => commands.SaveTopic(known.Id, topic));
        }
    }

    public void Remove(string topic)
    {
        lock (_gate)
        {
            _partitions.Remove(topic);
            if (_topics.Remove(topic, out var known))
                Writer.Add(commands => commands.MarkDeleted(known.Id));
        }
    }

    public StoredPartition Open(string topic, int number, Action<CommandKind> post)
    {
        LocalTopic stored;
        lock (_gate)
            stored = _topics[topic];
        var path = PathOf(stored, number);
        LocalPartition? partition = null;
        partition = new LocalPartition(stored, number, this, post)
        {
            DelayFiles = new LocalDelayFiles(TopicDirectory.DelaysOf(path), _delayWorkers, () => partition!.RemovePoint()),
        };
        partition.Log = new LocalPartitionLog(path, Options, _budget, partition);
        lock (_gate)
        {
            if (!_partitions.TryGetValue(topic, out var all))
                _partitions.Add(topic, all = []);
            all.Add(partition);
        }
        return new(partition.Log, partition, partition.Wait);
    }

    /// <summary>The directory of a partition.</summary>
    public string PathOf(LocalTopic topic, int number) =>
        Path.Combine(_directory.Topics, topic.DirectoryName, number.ToString(CultureInfo.InvariantCulture));

    public void WhenSaved(Action<Exception?> saved) => Writer.Add(null, saved);

    /// <summary>A partition has its files open. Those that have not used theirs for the longest time are asked to close them when there are
    /// too many.</summary>
    public void Opened(LocalPartition partition)
    {
        LocalPartition[] resting;
        lock (_gate)
        {
            _open.Add(partition);
            if (_open.Count <= _mostOpen)
                return;
            var count = _open.Count - _mostOpen + (_mostOpen / RestShare);
            resting = [.. _open.Where(other => other != partition).OrderBy(static other => other.Log!.LastUsed).Take(count)];
        }
        foreach (var other in resting)
            ThreadPool.UnsafeQueueUserWorkItem(static other => other.Rest(), other, preferLocal: false);
    }

    public void Closed(LocalPartition partition)
    {
        lock (_gate)
            _open.Remove(partition);
    }

    /// <summary>The files of a partition of a deleted topic are gone.</summary>
    public void Deleted(LocalTopic topic)
    {
        lock (_gate)
        {
            if (--topic.Partitions > 0)
                return;
        }
        RemoveFiles(topic);
    }

    public void Dispose()
    {
        _delayWorkers.Dispose();
        _upkeep.Dispose();
        Threads.Dispose();
        Writer.Dispose();
        Metadata.Dispose();
        _directory.Dispose();
    }

    private void Load()
    {
        _lastTopicId = Metadata.ReadNode("last_topic", 0);
        var all = Metadata.ReadTopics();
        var byId = new Dictionary<long, StoredTopic>();
        foreach (var (id, topic, isDeleted) in all)
        {
            var stored = new LocalTopic(id, topic.Name, isNew: false)
            {
                Partitions = topic.Partitions, Compression = topic.Policy.StorageCompression,
            };
            if (isDeleted)
            {
                RemoveFiles(stored);
                continue;
            }
            _topics.Add(topic.Name, stored);
            byId.Add(id, topic);
        }
        Topics = [.. byId.Values];
        Due = [.. Metadata.ReadDue().Where(due => byId.TryGetValue(due.Topic, out var topic) && due.Number < topic.Partitions)
            .Select(due => new DuePartition(byId[due.Topic].Name, due.Number, due.IsOpen))];
        ReportOrphans(all.Select(static topic => TopicDirectory.NameOf(topic.Topic.Name, topic.Id)));
    }

    private void ReportOrphans(IEnumerable<string> known)
    {
        var names = known.ToHashSet(StringComparer.Ordinal);
        foreach (var path in Directory.EnumerateDirectories(_directory.Topics))
        {
            if (names.Contains(Path.GetFileName(path)))
                continue;
            LocalLog.Orphan(_logger, path);
            // Its number is taken, whatever it is.
            if (TopicDirectory.TryParse(Path.GetFileName(path), out _, out var id))
                _lastTopicId = Math.Max(_lastTopicId, id);
        }
    }

    private void RemoveFiles(LocalTopic topic)
    {
        var path = Path.Combine(_directory.Topics, topic.DirectoryName);
        try
        {
            if (Directory.Exists(path))
            {
                foreach (var partition in Directory.EnumerateDirectories(path))
                    Journal.Delete(partition);
                Directory.Delete(path, recursive: true);
            }
            UpkeepPlan.RemoveTiers(Options, topic);
            Writer.Add(commands => commands.ForgetTopic(topic.Id));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JournalException)
        {
            LocalLog.NotRemoved(_logger, path, e);
        }
    }

    private List<LocalPartition> ListPartitions()
    {
        lock (_gate)
            return [.. _partitions.Values.SelectMany(static all => all)];
    }
}
