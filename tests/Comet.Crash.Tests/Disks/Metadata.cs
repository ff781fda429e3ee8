using Microsoft.Data.Sqlite;

namespace Comet.Crash.Tests.Disks;

/// <summary>The metadata of a server that does not run.</summary>
internal static class Metadata
{
    public static string PathIn(string data) => Path.Combine(data, "metadata.db");

    /// <summary>The partitions that the next start has to recover.</summary>
    public static IReadOnlyList<string> OpenPartitions(string data)
    {
        using var connection = new SqliteConnection($"Data Source={PathIn(data)};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT topic, number FROM partitions WHERE is_open = 1";
        using var rows = command.ExecuteReader();
        var open = new List<string>();
        while (rows.Read())
            open.Add($"{rows.GetInt64(0)}/{rows.GetInt32(1)}");
        return open;
    }
}
