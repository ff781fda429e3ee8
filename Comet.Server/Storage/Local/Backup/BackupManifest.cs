using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Comet.Server.Storage.Local.Backup;

/// <summary>The list of a backup's files, which is written when all of them are durable: without it there is no backup. Lines of JSON: what
/// it is, a line for each file, and one with the checksum of those before.</summary>
internal sealed record BackupManifest(BackupHead Head, IReadOnlyList<BackupFile> Files)
{
    public const string Name = "comet.backup";

    /// <summary>The version of this list.</summary>
    public const int Version = 1;

    public void Write(string directory)
    {
        var text = new StringBuilder();
        text.Append(JsonSerializer.Serialize(Head, BackupJson.Default.BackupHead)).Append('\n');
        foreach (var file in Files)
            text.Append(JsonSerializer.Serialize(file, BackupJson.Default.BackupFile)).Append('\n');
        var end = new BackupEnd(Files.Count, HashOf(text.ToString()));
        text.Append(JsonSerializer.Serialize(end, BackupJson.Default.BackupEnd)).Append('\n');
        BackupFiles.Write(Path.Combine(directory, Name), Encoding.UTF8.GetBytes(text.ToString()));
    }

    /// <exception cref="CometException">There is none, it is damaged, or of a later version.</exception>
    public static BackupManifest Read(string directory)
    {
        var path = Path.Combine(directory, Name);
        if (!File.Exists(path))
        {
            throw new CometException(ErrorCode.StorageFailed,
                $"{directory} is no complete backup: {Name}, which is written last, is not there. The backup was interrupted, or this is "
                + "another directory.");
        }
        try
        {
            var text = File.ReadAllText(path);
            var lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            var head = JsonSerializer.Deserialize(lines[0], BackupJson.Default.BackupHead)!;
            if (head.Backup > Version)
            {
                throw new CometException(ErrorCode.UnsupportedVersion,
                    $"{path} has the version {head.Backup}, and this release knows {Version}: use the release that has made it, or a later "
                    + "one.");
            }
            var end = JsonSerializer.Deserialize(lines[^1], BackupJson.Default.BackupEnd)!;
            if (end.Files != lines.Length - 2 || end.Sha256 != HashOf(text[..text.LastIndexOf(lines[^1], StringComparison.Ordinal)]))
                throw Damaged(path, null);
            return new(head, [.. lines[1..^1].Select(static line => JsonSerializer.Deserialize(line, BackupJson.Default.BackupFile)!)]);
        }
        catch (Exception e) when (e is JsonException or IndexOutOfRangeException or ArgumentOutOfRangeException or NullReferenceException)
        {
            throw Damaged(path, e);
        }
    }

    private static CometException Damaged(string path, Exception? cause) => new(ErrorCode.StorageFailed,
        $"{path} is damaged, so nothing can be told about the backup: nothing was restored. Take another backup.", cause);

    private static string HashOf(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}

/// <summary>What a backup is.</summary>
internal sealed record BackupHead(int Backup, string Data, DateTimeOffset Created, int Topics, int Partitions);

/// <summary>A file of a backup.</summary>
/// <param name="Path">Where it is in the data directory, with '/' between names.</param>
/// <param name="Length">How long it is.</param>
/// <param name="Sha256">Its SHA-256.</param>
internal sealed record BackupFile(string Path, long Length, string Sha256);

/// <summary>The last line.</summary>
internal sealed record BackupEnd(int Files, string Sha256);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(BackupHead))]
[JsonSerializable(typeof(BackupFile))]
[JsonSerializable(typeof(BackupEnd))]
internal sealed partial class BackupJson : JsonSerializerContext;
