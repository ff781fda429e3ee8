using System.Globalization;
using Comet.Server.Broker;
using Microsoft.Data.Sqlite;

namespace Comet.Server.Storage.Local;

/// <summary>The SQLite file: its schema, and what is read from it. All writing goes through <see cref="MetadataWriter"/>.</summary>
internal sealed class MetadataFile : IDisposable
{
    /// <summary>SQLite's code of a disk that is full.</summary>
    public const int DiskFull = 13;

    /// <summary>The version of the schema, in <c>user_version</c>.</summary>
    public const int SchemaVersion = 3;

    // What brings a file from the version before its index to the one behind it.
    private static readonly string[] s_migrations =
    [
        """
        CREATE TABLE node (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE topics (id INTEGER PRIMARY KEY, name TEXT NOT NULL, partitions INTEGER NOT NULL, policy TEXT NOT NULL,
            is_deleted INTEGER NOT NULL DEFAULT 0);
        CREATE UNIQUE INDEX topics_by_name ON topics (name) WHERE is_deleted = 0;
        CREATE TABLE partitions (topic INTEGER NOT NULL, number INTEGER NOT NULL, start_offset INTEGER NOT NULL DEFAULT 0,
            is_open INTEGER, wakes_at INTEGER, PRIMARY KEY (topic, number)) WITHOUT ROWID;
        CREATE TABLE subscriptions (topic INTEGER NOT NULL, number INTEGER NOT NULL, name TEXT NOT NULL, type INTEGER NOT NULL,
            settings TEXT NOT NULL, acked_up_to INTEGER NOT NULL, acked BLOB NOT NULL, expired INTEGER NOT NULL, dropped INTEGER NOT NULL,
            PRIMARY KEY (topic, number, name)) WITHOUT ROWID;
        CREATE TABLE schedules (topic INTEGER NOT NULL, number INTEGER NOT NULL, offset INTEGER NOT NULL, due INTEGER, original INTEGER,
            PRIMARY KEY (topic, number, offset)) WITHOUT ROWID;
        """,
        "CREATE TABLE points (topic INTEGER NOT NULL, number INTEGER NOT NULL, point BLOB NOT NULL, PRIMARY KEY (topic, number));",
        RowSum.Migration,
    ];

    // What SQLite says when not the file is at fault but what is around it: rights (3, 8, 14, 23), locks (5, 6, 15), memory (7), the disk
    // (10, 13), the system (22).
    private static readonly int[] s_outside = [3, 5, 6, 7, 8, 10, DiskFull, 14, 15, 22, 23];

    private readonly string _path;
    private readonly SqliteConnection _connection;
    private readonly Lock _gate = new();

    private MetadataFile(string path, SqliteConnection connection) => (_path, _connection) = (path, connection);

    /// <summary>Opens the file, making or migrating it.</summary>
    /// <exception cref="CometException">It is damaged (<see cref="IsDamage"/>), of a later version
    /// (<see cref="ErrorCode.UnsupportedVersion"/>), or the disk or the system does not let it be opened
    /// (<see cref="ErrorCode.StorageFull"/>, <see cref="ErrorCode.StorageFailed"/>); nothing has changed then.</exception>
    public static MetadataFile Open(string path)
    {
        DataDirectory.CreateFile(path);
        SqliteConnection? connection = null;
        try
        {
            connection = Connect(path);
            var file = new MetadataFile(path, connection);
            file.Check();
            return file;
        }
        catch (SqliteException e)
        {
            connection?.Dispose();
            throw Explain(path, e);
        }
        catch
        {
            connection?.Dispose();
            throw;
        }
    }

    /// <summary>Whether an error of <see cref="Open"/> says that the file itself is not what was written.</summary>
    public static bool IsDamage(CometException error) => error.Code == ErrorCode.StorageFailed
        && !(error.InnerException is SqliteException inner && s_outside.Contains(inner.SqliteErrorCode));

    /// <summary>Another connection to the same file.</summary>
    public SqliteConnection Connect() => Connect(_path);

    public long ReadNode(string key, long missing)
    {
        lock (_gate)
            return Scalar("SELECT value FROM node WHERE key = $key", ("$key", key)) is long value ? value : missing;
    }

    /// <summary>All values whose keys begin so.</summary>
    public List<(string Key, long Value)> ReadNodes(string prefix) => Read(
        "SELECT key, value FROM node WHERE substr(key, 1, length($prefix)) = $prefix ORDER BY key",
        static row => (row.GetString(0), row.GetInt64(1)), ("$prefix", prefix));

    /// <summary>All topics, deleted ones whose files may still be there too.</summary>
    public List<(long Id, StoredTopic Topic, bool IsDeleted)> ReadTopics() => Read(
        "SELECT id, name, partitions, policy, is_deleted FROM topics ORDER BY id",
        static row => (row.GetInt64(0), new StoredTopic(row.GetString(1), row.GetInt32(2), MetadataText.ReadPolicy(row.GetString(3))),
            row.GetBoolean(4)));

    /// <summary>The partitions that were open, or that time has something for.</summary>
    public List<(long Topic, int Number, bool IsOpen)> ReadDue() => Read(
        """
        SELECT topic, number, ifnull(is_open, 0) FROM partitions
        WHERE is_open = 1 OR wakes_at IS NOT NULL ORDER BY is_open DESC, wakes_at
        """,
        static row => (row.GetInt64(0), row.GetInt32(1), row.GetBoolean(2)));

    public long ReadStartOffset(long topic, int number)
    {
        lock (_gate)
        {
            return Scalar("SELECT start_offset FROM partitions WHERE topic = $topic AND number = $number",
                ("$topic", topic), ("$number", number)) is long start ? start : 0;
        }
    }

    /// <summary>Where the log ended when it was closed in peace last: it cannot end before.</summary>
    public long ReadEndOffset(long topic, int number)
    {
        lock (_gate)
        {
            return Scalar("SELECT end_offset FROM partitions WHERE topic = $topic AND number = $number",
                ("$topic", topic), ("$number", number)) is long end ? end : 0;
        }
    }

    /// <summary>Whether a partition was ever marked as open.</summary>
    public bool ReadHasFiles(long topic, int number)
    {
        lock (_gate)
        {
            return Scalar("SELECT 1 FROM partitions WHERE topic = $topic AND number = $number AND is_open IS NOT NULL",
                ("$topic", topic), ("$number", number)) is not null;
        }
    }

    public PartitionState ReadPartition(long topic, int number)
    {
        (string, object)[] key = [("$topic", topic), ("$number", number)];
        var subscriptions = Read(
            """
            SELECT name, type, settings, acked_up_to, acked, expired, dropped FROM subscriptions
            WHERE topic = $topic AND number = $number ORDER BY name
            """, ReadSubscription, key);
        var schedules = Read(
            "SELECT offset, due, original FROM schedules WHERE topic = $topic AND number = $number ORDER BY offset",
            static row => (Offset: row.GetInt64(0), Moved: row.IsDBNull(1) ? (MovedDue?)null : new(row.GetInt64(1), row.GetInt64(2))), key);
        return new(subscriptions,
            schedules.Where(static s => s.Moved is not null).ToDictionary(static s => s.Offset, static s => s.Moved!.Value),
            [.. schedules.Where(static s => s.Moved is null).Select(static s => s.Offset)])
        {
            Point = Read("SELECT point FROM points WHERE topic = $topic AND number = $number",
                static row => PointBlob.Read(row.GetFieldValue<byte[]>(0)), key).SingleOrDefault(),
        };
    }

    public void Dispose() => _connection.Dispose();

    private static CometException Explain(string path, SqliteException e)
    {
        if (!s_outside.Contains(e.SqliteErrorCode))
            return new(ErrorCode.StorageFailed, $"{path} cannot be read: {e.Message}", e);
        return new(e.SqliteErrorCode == DiskFull ? ErrorCode.StorageFull : ErrorCode.StorageFailed,
            $"{path} cannot be opened: {e.Message} Nothing was changed. Look whether its disk has room, can be written to and is in order, "
            + "and start again.", e);
    }

    private static SqliteConnection Connect(string path)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = path,
            Mode = SqliteOpenMode.ReadWrite,
            Pooling = false,
        }.ToString());
        try
        {
            connection.Open();
            RowSum.Register(connection);
            using var command = connection.CreateCommand();
            command.CommandText = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 256;";
            command.ExecuteNonQuery();
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    private static SubscriptionState ReadSubscription(SqliteDataReader row)
    {
        var (cursor, again) = CursorBlob.Read(row.GetInt64(3), row.GetFieldValue<byte[]>(4));
        return new(row.GetString(0), (SubscriptionType)row.GetInt32(1), MetadataText.ReadSettings(row.GetString(2)), cursor)
        {
            Expired = row.GetInt64(5), Dropped = row.GetInt64(6), Again = again,
        };
    }

    private void Check()
    {
        if (Scalar("PRAGMA quick_check(1)") is not "ok")
            throw new CometException(ErrorCode.StorageFailed, $"{_path} is damaged.");
        var version = Convert.ToInt32(Scalar("PRAGMA user_version"), CultureInfo.InvariantCulture);
        if (version > SchemaVersion)
        {
            throw new CometException(ErrorCode.UnsupportedVersion,
                $"{_path} has the schema {version}, and this version knows {SchemaVersion}: nothing was changed. Use the version that has "
                + "made it, or a later one.");
        }
        for (; version < SchemaVersion; version++)
        {
            using var transaction = _connection.BeginTransaction();
            using var command = _connection.CreateCommand();
            command.Transaction = transaction;
            command.CommandText = $"{s_migrations[version]} PRAGMA user_version = {version + 1};";
            command.ExecuteNonQuery();
            transaction.Commit();
        }
        if (Scalar(RowSum.Check) is { } table)
            throw new CometException(ErrorCode.StorageFailed, $"{_path} is damaged: a row of its table '{table}' is not what was written.");
    }

    private object? Scalar(string sql, params (string Name, object Value)[] parameters)
    {
        using var command = Command(sql, parameters);
        return command.ExecuteScalar();
    }

    private List<T> Read<T>(string sql, Func<SqliteDataReader, T> read, params (string Name, object Value)[] parameters)
    {
        lock (_gate)
        {
            using var command = Command(sql, parameters);
            using var rows = command.ExecuteReader();
            var all = new List<T>();
            while (rows.Read())
                all.Add(read(rows));
            return all;
        }
    }

    private SqliteCommand Command(string sql, (string Name, object Value)[] parameters)
    {
        var command = _connection.CreateCommand();
        command.CommandText = sql;
        foreach (var (name, value) in parameters)
            command.Parameters.AddWithValue(name, value);
        return command;
    }
}
