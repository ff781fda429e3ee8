using System.Text;
using Microsoft.Data.Sqlite;

namespace Comet.Server.Storage.Local;

/// <summary>Checksums of the rows of the metadata, as an SQL function: SQLite notices damage of its pages' order, but not that a number in
/// a row is another one, and a cursor that has moved by itself loses messages.</summary>
internal static class RowSum
{
    /// <summary>What brings a file without them to one with them.</summary>
    public const string Migration =
        """
        ALTER TABLE node ADD COLUMN sum INTEGER;
        ALTER TABLE topics ADD COLUMN sum INTEGER;
        ALTER TABLE partitions ADD COLUMN sum INTEGER;
        ALTER TABLE partitions ADD COLUMN end_offset INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE subscriptions ADD COLUMN sum INTEGER;
        ALTER TABLE schedules ADD COLUMN sum INTEGER;
        UPDATE node SET sum = row_sum(key, value);
        UPDATE topics SET sum = row_sum(id, name, partitions, policy, is_deleted);
        UPDATE partitions SET sum = row_sum(topic, number, start_offset, is_open, wakes_at, end_offset);
        UPDATE subscriptions SET sum = row_sum(topic, number, name, type, settings, acked_up_to, acked, expired, dropped);
        UPDATE schedules SET sum = row_sum(topic, number, offset, due, original);
        """;

    /// <summary>Names a table with a row whose sum is wrong; null when there is none.</summary>
    public const string Check =
        """
        SELECT 'node' FROM node WHERE sum IS NOT row_sum(key, value)
        UNION ALL SELECT 'topics' FROM topics WHERE sum IS NOT row_sum(id, name, partitions, policy, is_deleted)
        UNION ALL SELECT 'partitions' FROM partitions
            WHERE sum IS NOT row_sum(topic, number, start_offset, is_open, wakes_at, end_offset)
        UNION ALL SELECT 'subscriptions' FROM subscriptions
            WHERE sum IS NOT row_sum(topic, number, name, type, settings, acked_up_to, acked, expired, dropped)
        UNION ALL SELECT 'schedules' FROM schedules WHERE sum IS NOT row_sum(topic, number, offset, due, original)
        LIMIT 1
        """;

    /// <summary>Makes the function known to a connection.</summary>
    public static void Register(SqliteConnection connection) =>
        connection.CreateFunction("row_sum", static (object?[] values) => Of(values), isDeterministic: true);

    private static long Of(object?[] values)
    {
        var output = new BlobWriter();
        foreach (var value in values)
        {
            switch (value)
            {
                case null or DBNull:
                    output.Write(0);
                    break;
                case string text:
                    output.Write(1);
                    output.Write(Encoding.UTF8.GetBytes(text));
                    break;
                case byte[] bytes:
                    output.Write(2);
                    output.Write(bytes);
                    break;
                default:
                    output.Write(3);
                    output.Write(Convert.ToInt64(value, null));
                    break;
            }
        }
        return output.Checksum;
    }
}
