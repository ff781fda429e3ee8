using System.Collections.Concurrent;
using System.Globalization;
using Comet.Journals;

namespace Comet.Server.Storage.Local.Backup;

/// <summary>Makes a backup of a data directory that a broker may be using. First the metadata, then the journals: so cursors are never
/// ahead of the logs. Last the list of all files.</summary>
internal sealed class BackupCreation(
    string data, string target, bool link, IProgress<BackupProgress>? progress, CancellationToken cancellationToken)
{
    // A broker that is busy should notice little.
    private const int Parallel = 2;

    private readonly ConcurrentBag<BackupFile> _files = [];
    private readonly ConcurrentBag<(long Topic, int Number)> _copied = [];
    private readonly ConcurrentDictionary<long, bool> _deleted = new();
    private int _done;
    private long _bytes;
    private long _linkedBytes;

    private string Copy => Path.Combine(target, BackupFiles.Data);

    public async Task<BackupSummary> RunAsync()
    {
        var format = DataDirectory.ReadFormat(data);
        if (Path.TrimEndingDirectorySeparator(target).StartsWith(Path.TrimEndingDirectorySeparator(data) + Path.DirectorySeparatorChar,
            StringComparison.Ordinal))
            throw new CometException(ErrorCode.StorageFailed, $"{target} is in the data directory {data}: give another directory.");
        BackupFiles.TakeEmpty(target, "a backup");
        var created = TimeProvider.System.GetUtcNow();
        BackupFiles.MakeDirectory(Path.Combine(Copy, DataDirectory.TopicsName));
        RequireRoom();
        using var metadata = BackupMetadata.Take(
            Path.Combine(data, DataDirectory.MetadataName), Path.Combine(Copy, DataDirectory.MetadataName));
        var topics = metadata.Topics;
        var partitions = topics
            .SelectMany(static topic => Enumerable.Range(0, topic.Topic.Partitions).Select(number => (topic.Id, topic.Topic.Name, number)))
            .ToList();
        await System.Threading.Tasks.Parallel.ForEachAsync(
            partitions, new ParallelOptions { MaxDegreeOfParallelism = Parallel, CancellationToken = cancellationToken }, (partition, _) =>
            {
                CopyPartition(metadata, partition.Id, partition.Name, partition.number);
                progress?.Report(new(Interlocked.Increment(ref _done), partitions.Count, Interlocked.Read(ref _bytes)));
                return ValueTask.CompletedTask;
            });
        return Finish(metadata, format, created, topics);
    }

    private BackupSummary Finish(
        BackupMetadata metadata, string format, DateTimeOffset created, IReadOnlyList<(long Id, StoredTopic Topic)> topics)
    {
        var kept = topics.Where(topic => !_deleted.ContainsKey(topic.Id)).ToList();
        var copied = _copied.Where(partition => !_deleted.ContainsKey(partition.Topic)).ToList();
        metadata.Finish(copied, _deleted.Keys);
        foreach (var (id, topic) in topics.Where(topic => _deleted.ContainsKey(topic.Id)))
        {
            var left = Path.Combine(Copy, DataDirectory.TopicsName, TopicDirectory.NameOf(topic.Name, id));
            if (Directory.Exists(left))
                Directory.Delete(left, recursive: true);
        }
        Add(Path.Combine(Copy, DataDirectory.MetadataName), isLinked: false);
        BackupFiles.FlushNames(Copy);
        DirectoryFlush.Run(target);
        var files = _files.Where(file => File.Exists(Path.Combine(Copy, file.Path)))
            .OrderBy(static file => file.Path, StringComparer.Ordinal).ToList();
        new BackupManifest(new(BackupManifest.Version, format, created, kept.Count, copied.Count), files).Write(target);
        return new(created, kept.Count, copied.Count, files.Count, files.Sum(static file => file.Length), _linkedBytes);
    }

    private void CopyPartition(BackupMetadata metadata, long topic, string name, int number)
    {
        if (_deleted.ContainsKey(topic))
            return;
        var place = Path.Combine(
            DataDirectory.TopicsName, TopicDirectory.NameOf(name, topic), number.ToString(CultureInfo.InvariantCulture));
        var from = Path.Combine(data, place);
        try
        {
            if (!Directory.Exists(from) && !metadata.HasFiles(topic, number))
                return;
            var to = Path.Combine(Copy, place);
            BackupFiles.MakeDirectory(Path.GetDirectoryName(to)!);
            var copy = Journal.Copy(from, to, link, cancellationToken);
            foreach (var file in copy.Files)
                Add(Path.Combine(to, file.Name), file.IsLinked);
            CopyDelays(TopicDirectory.DelaysOf(from), TopicDirectory.DelaysOf(to));
            _copied.Add((topic, number));
        }
        catch (Exception e) when (e is JournalException { Code: JournalErrorCode.NotFound } or DirectoryNotFoundException
            or FileNotFoundException)
        {
            if (metadata.IsDeletedMeanwhile(topic))
                _deleted.TryAdd(topic, true);
            // A partition whose journal is just being made has nothing that is confirmed.
            else if (metadata.HasFiles(topic, number))
                throw;
        }
    }

    /// <summary>Copies the runs of scheduled messages. Those that are merged away meanwhile are not needed: a partition without them reads
    /// its log.</summary>
    private void CopyDelays(string from, string to)
    {
        if (!Directory.Exists(from))
            return;
        BackupFiles.MakeDirectory(to);
        foreach (var run in Directory.EnumerateFiles(from))
        {
            var copy = Path.Combine(to, Path.GetFileName(run));
            try
            {
                BackupFiles.Copy(run, copy, cancellationToken);
                Add(copy, isLinked: false);
            }
            catch (FileNotFoundException)
            {
                // Merged away.
            }
        }
    }

    private void Add(string path, bool isLinked)
    {
        var length = new FileInfo(path).Length;
        var name = Path.GetRelativePath(Copy, path).Replace(Path.DirectorySeparatorChar, '/');
        _files.Add(new(name, length, BackupFiles.Hash(path, cancellationToken)));
        Interlocked.Add(ref _bytes, length);
        if (isLinked)
            Interlocked.Add(ref _linkedBytes, length);
    }

    /// <summary>What certainly has to be copied: the metadata and the newest segment of each partition, and without links all of it. What
    /// lies in other tiers is not counted.</summary>
    private void RequireRoom()
    {
        var needed = new FileInfo(Path.Combine(data, DataDirectory.MetadataName)) is { Exists: true } file ? file.Length : 0;
        foreach (var topic in Directory.EnumerateDirectories(Path.Combine(data, DataDirectory.TopicsName)))
            needed += Measure(topic);
        BackupFiles.RequireRoom(target, needed);
    }

    private long Measure(string topic)
    {
        try
        {
            return Directory.EnumerateDirectories(topic).Sum(partition =>
            {
                var segments = new DirectoryInfo(partition).EnumerateFiles("*.journal*").ToList();
                return link ? segments.MaxBy(static segment => segment.Name, StringComparer.Ordinal)?.Length ?? 0
                    : segments.Sum(static segment => segment.Length);
            });
        }
        catch (Exception e) when (e is DirectoryNotFoundException or FileNotFoundException)
        {
            // It was deleted, or packed, meanwhile: the estimate does without.
            return 0;
        }
    }
}
