using Microsoft.Data.Sqlite;

namespace Comet.Server.Storage.Local.Backup;

/// <summary>The copy of the metadata: taken before any message is copied, so that no cursor in it is ahead of the log, and corrected for
/// what has happened meanwhile.</summary>
internal sealed class BackupMetadata : IDisposable
{
    private readonly string _live;
    private readonly MetadataFile _copy;

    private BackupMetadata(string live, MetadataFile copy) => (_live, _copy) = (live, copy);

    /// <summary>Takes it by SQLite's online backup: one state between two transactions.</summary>
    public static BackupMetadata Take(string live, string path)
    {
        if (!File.Exists(live))
        {
            throw new CometException(
                ErrorCode.StorageFailed, $"{live} is missing. Start the server once: it makes what can be made of it.");
        }
        DataDirectory.CreateFile(path);
        using (var source = Open(live, SqliteOpenMode.ReadOnly))
        using (var target = Open(path, SqliteOpenMode.ReadWrite))
            source.BackupDatabase(target);
        return new(live, MetadataFile.Open(path));
    }

    /// <summary>The topics that were there when it was taken.</summary>
    public IReadOnlyList<(long Id, StoredTopic Topic)> Topics =>
        [.. _copy.ReadTopics().Where(static topic => !topic.IsDeleted).Select(static topic => (topic.Id, topic.Topic))];

    /// <summary>Whether a partition must have files.</summary>
    public bool HasFiles(long topic, int number) => _copy.ReadHasFiles(topic, number);

    /// <summary>Whether a topic is there no more.</summary>
    public bool IsDeletedMeanwhile(long topic)
    {
        using var live = Open(_live, SqliteOpenMode.ReadOnly);
        using var command = live.CreateCommand();
        command.CommandText = "SELECT 1 FROM topics WHERE id = $id AND is_deleted = 0";
        command.Parameters.AddWithValue("$id", topic);
        return command.ExecuteScalar() is null;
    }

    /// <summary>Has every partition that was copied recovered by the next start, and forgets topics that were deleted meanwhile. One file
    /// afterwards.</summary>
    public void Finish(IEnumerable<(long Topic, int Number)> copied, IEnumerable<long> deleted)
    {
        using var connection = _copy.Connect();
        using (var commands = new MetadataCommands(connection))
        {
            commands.Begin();
            foreach (var topic in deleted)
                commands.ForgetTopic(topic);
            foreach (var (topic, number) in copied)
                commands.SaveOpen(topic, number);
            commands.Commit();
        }
        _copy.Dispose();
        using var command = connection.CreateCommand();
        command.CommandText = "PRAGMA journal_mode = DELETE";
        command.ExecuteNonQuery();
    }

    public void Dispose() => _copy.Dispose();

    private static SqliteConnection Open(string path, SqliteOpenMode mode)
    {
        var connection = new SqliteConnection(
            new SqliteConnectionStringBuilder { DataSource = path, Mode = mode, Pooling = false }.ToString());
        connection.Open();
        return connection;
    }
}
