using Microsoft.Data.Sqlite;

namespace Comet.Crash.Tests.Disks;

/// <summary>The metadata of a server that does not run.</summary>
internal static class Metadata
{
    public static string PathIn(string data) => Path.Combine(data, "metadata.db");

    /// <summary>The partitions that the next start has to recover.</summary>
    public static IReadOnlyList<string> OpenPartitions(string data)
    {
        using var connection = Open(data);
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT topic, number FROM partitions WHERE is_open = 1";
        using var rows = command.ExecuteReader();
        var open = new List<string>();
        while (rows.Read())
            open.Add($"{rows.GetInt64(0)}/{rows.GetInt32(1)}");
        return open;
    }

    /// <summary>Takes it back to the first version of its schema, in one file.</summary>
    public static void TakeBack(string data)
    {
        using var connection = Open(data);
        using var command = connection.CreateCommand();
        command.CommandText =
            """
            DROP TABLE points;
            ALTER TABLE partitions DROP COLUMN sum;
            ALTER TABLE partitions DROP COLUMN end_offset;
            ALTER TABLE node DROP COLUMN sum;
            ALTER TABLE topics DROP COLUMN sum;
            ALTER TABLE subscriptions DROP COLUMN sum;
            ALTER TABLE schedules DROP COLUMN sum;
            PRAGMA user_version = 1;
            PRAGMA journal_mode = DELETE;
            """;
        command.ExecuteNonQuery();
    }

    private static SqliteConnection Open(string data)
    {
        var connection = new SqliteConnection($"Data Source={PathIn(data)};Pooling=False");
        connection.Open();
        return connection;
    }
}
