using Microsoft.Data.Sqlite;

namespace Comet.Server.Storage.Local;

/// <summary>What can be written to the metadata, within a transaction of <see cref="MetadataWriter"/>. Statements are prepared
/// once.</summary>
internal sealed class MetadataCommands(SqliteConnection connection) : IDisposable
{
    private readonly Dictionary<string, SqliteCommand> _prepared = new(StringComparer.Ordinal);

    public void Begin() => Run("BEGIN IMMEDIATE");

    public void Commit() => Run("COMMIT");

    public void Rollback() => Run("ROLLBACK");

    public void SaveNode(string key, long value) => Run(
        """
        INSERT INTO node (key, value, sum) VALUES ($a, $b, row_sum($a, $b))
        ON CONFLICT (key) DO UPDATE SET value = excluded.value, sum = excluded.sum
        """, key, value);

    public void SaveTopic(long id, StoredTopic topic)
    {
        Run("""
            INSERT INTO topics (id, name, partitions, policy, sum) VALUES ($a, $b, $c, $d, row_sum($a, $b, $c, $d, 0))
            ON CONFLICT (id) DO UPDATE SET partitions = excluded.partitions, policy = excluded.policy,
                sum = row_sum(id, name, excluded.partitions, excluded.policy, is_deleted)
            """, id, topic.Name, topic.Partitions, MetadataText.Write(topic.Policy));
        Run("""
            INSERT INTO node (key, value, sum) VALUES ('last_topic', $a, row_sum('last_topic', $a))
            ON CONFLICT (key) DO UPDATE SET value = excluded.value, sum = excluded.sum WHERE value < excluded.value
            """, id);
    }

    /// <summary>The topic is deleted, and its files will be.</summary>
    public void MarkDeleted(long id) =>
        Run("UPDATE topics SET is_deleted = 1, sum = row_sum(id, name, partitions, policy, 1) WHERE id = $a", id);

    /// <summary>The files of a deleted topic are gone.</summary>
    public void ForgetTopic(long id)
    {
        Run("DELETE FROM topics WHERE id = $a", id);
        Run("DELETE FROM partitions WHERE topic = $a", id);
        Run("DELETE FROM subscriptions WHERE topic = $a", id);
        Run("DELETE FROM schedules WHERE topic = $a", id);
        Run("DELETE FROM points WHERE topic = $a", id);
    }

    /// <summary>A partition has its journal open from now on.</summary>
    public void SaveOpen(long topic, int number)
    {
        Run("""
            INSERT INTO partitions (topic, number, is_open) VALUES ($a, $b, 1)
            ON CONFLICT (topic, number) DO UPDATE SET is_open = excluded.is_open
            """, topic, number);
        Sign(topic, number);
    }

    /// <summary>A partition's journal is closed, and all of it durable.</summary>
    public void SaveClosed(long topic, int number, long endOffset)
    {
        Run("""
            INSERT INTO partitions (topic, number, is_open, end_offset) VALUES ($a, $b, 0, $c)
            ON CONFLICT (topic, number) DO UPDATE SET is_open = excluded.is_open, end_offset = excluded.end_offset
            """, topic, number, endOffset);
        Sign(topic, number);
    }

    public void SaveStart(long topic, int number, long startOffset)
    {
        Run("""
            INSERT INTO partitions (topic, number, start_offset) VALUES ($a, $b, $c)
            ON CONFLICT (topic, number) DO UPDATE SET start_offset = excluded.start_offset
            """, topic, number, startOffset);
        Sign(topic, number);
        Run("DELETE FROM schedules WHERE topic = $a AND number = $b AND offset < $c", topic, number, startOffset);
    }

    public void SavePoint(long topic, int number, byte[] point) =>
        Run("INSERT OR REPLACE INTO points (topic, number, point) VALUES ($a, $b, $c)", topic, number, point);

    public void RemovePoint(long topic, int number) => Run("DELETE FROM points WHERE topic = $a AND number = $b", topic, number);

    public void Save(long topic, int number, PartitionChanges changes)
    {
        if (changes.CutTo is { } end)
            Run("DELETE FROM schedules WHERE topic = $a AND number = $b AND offset >= $c", topic, number, end);
        foreach (var name in changes.Removed)
            Run("DELETE FROM subscriptions WHERE topic = $a AND number = $b AND name = $c", topic, number, name);
        foreach (var subscription in changes.Subscriptions)
            Save(topic, number, subscription);
        foreach (var (offset, moved) in changes.Schedules)
        {
            Run("""
                INSERT OR REPLACE INTO schedules (topic, number, offset, due, original, sum)
                VALUES ($a, $b, $c, $d, $e, row_sum($a, $b, $c, $d, $e))
                """, topic, number, offset, moved?.Due, moved?.Original);
        }
        var isChanged = Run("""
            INSERT INTO partitions (topic, number, wakes_at) VALUES ($a, $b, $c)
            ON CONFLICT (topic, number) DO UPDATE SET wakes_at = excluded.wakes_at WHERE wakes_at IS NOT excluded.wakes_at
            """, topic, number, changes.NextDue == long.MaxValue ? null : changes.NextDue);
        if (isChanged)
            Sign(topic, number);
    }

    public void Dispose()
    {
        foreach (var command in _prepared.Values)
            command.Dispose();
    }

    private void Save(long topic, int number, SubscriptionState subscription) => Run(
        """
        INSERT OR REPLACE INTO subscriptions (topic, number, name, type, settings, acked_up_to, acked, expired, dropped, sum)
        VALUES ($a, $b, $c, $d, $e, $f, $g, $h, $i, row_sum($a, $b, $c, $d, $e, $f, $g, $h, $i))
        """, topic, number, subscription.Name, (int)subscription.Type, MetadataText.Write(subscription.Settings),
        subscription.Cursor.AckedUpTo, CursorBlob.Write(subscription.Cursor, subscription.Again), subscription.Expired,
        subscription.Dropped);

    private void Sign(long topic, int number) => Run(
        """
        UPDATE partitions SET sum = row_sum(topic, number, start_offset, is_open, wakes_at, end_offset)
        WHERE topic = $a AND number = $b
        """, topic, number);

    /// <summary>Returns whether a row was written.</summary>
    private bool Run(string sql, params ReadOnlySpan<object?> values)
    {
        if (!_prepared.TryGetValue(sql, out var command))
        {
            command = connection.CreateCommand();
            command.CommandText = sql;
            for (var i = 0; i < values.Length; i++)
                command.Parameters.Add(new SqliteParameter($"${(char)('a' + i)}", null));
            _prepared.Add(sql, command);
        }
        for (var i = 0; i < values.Length; i++)
            command.Parameters[i].Value = values[i] ?? DBNull.Value;
        return command.ExecuteNonQuery() > 0;
    }
}
