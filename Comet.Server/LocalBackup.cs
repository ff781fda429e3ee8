using Comet.Server.Storage.Local.Backup;

namespace Comet.Server;

/// <summary>Copies a data directory of a broker, also while a broker uses it, and makes one again from the copy. Both work on
/// directories of this machine: no broker is asked.</summary>
public static class LocalBackup
{
    /// <summary>Makes a backup. It has everything that was confirmed before: messages, topics, subscriptions, acks; and maybe messages that
    /// were stored meanwhile, whose acks are not in it. Keys of encrypted messages are not in it.</summary>
    /// <param name="data">The data directory. Of a broker that runs, this process has to run as the same user.</param>
    /// <param name="target">Where the backup is to be: an empty directory, or none.</param>
    /// <param name="link">Whether files that nobody writes any more become hard links, where the backup is on the same file system:
    /// that takes no room, and the loss of a block of the disk is the loss of it in both.</param>
    /// <param name="progress">Told how far it is, from any thread.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    /// <returns>What is in it; it is durable.</returns>
    /// <exception cref="CometException"><see cref="ErrorCode.StorageFailed"/>: there is no data directory, a partition is damaged, the
    /// target is not empty, or files cannot be read or written; <see cref="ErrorCode.StorageFull"/>: there is no room;
    /// <see cref="ErrorCode.UnsupportedVersion"/>: it is of a later version. A target that was begun is no backup, and
    /// <see cref="RestoreAsync"/> says so; delete it.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled; as above.</exception>
    public static Task<BackupSummary> CreateAsync(string data, string target, bool link = true, IProgress<BackupProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(data);
        ArgumentException.ThrowIfNullOrWhiteSpace(target);
        return Task.Run(() => BackupFailure.GuardAsync(target, () => new BackupCreation(
            Path.GetFullPath(data), Path.GetFullPath(target), link, progress, cancellationToken).RunAsync()), cancellationToken);
    }

    /// <summary>Makes a data directory from a backup, and checks every byte of it meanwhile. All partitions are recovered by the broker's
    /// next start.</summary>
    /// <param name="backup">The backup; it stays as it is.</param>
    /// <param name="data">The data directory that is to be: an empty directory, or none.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    /// <returns>What was restored; it is durable.</returns>
    /// <exception cref="CometException"><see cref="ErrorCode.StorageFailed"/>: it is no complete backup, it is damaged, the data directory
    /// is not empty, or files cannot be read or written; <see cref="ErrorCode.StorageFull"/>: there is no room;
    /// <see cref="ErrorCode.UnsupportedVersion"/>: it is of a later version. What was written of the data directory is removed again, and
    /// where even that is cut off, no broker takes it.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled; as above.</exception>
    public static Task<BackupSummary> RestoreAsync(
        string backup, string data, IProgress<BackupProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(backup);
        ArgumentException.ThrowIfNullOrWhiteSpace(data);
        return Task.Run(() => BackupFailure.GuardAsync(data, () => Task.FromResult(new BackupRestoration(
            Path.GetFullPath(backup), Path.GetFullPath(data), progress, cancellationToken).Run())), cancellationToken);
    }
}

/// <summary>What is in a backup.</summary>
/// <param name="Created">When it was begun.</param>
/// <param name="Topics">How many topics.</param>
/// <param name="Partitions">How many partitions that have messages.</param>
/// <param name="Files">How many files.</param>
/// <param name="Bytes">Their length.</param>
/// <param name="LinkedBytes">The length of those that are hard links; 0 for what was restored.</param>
public sealed record BackupSummary(DateTimeOffset Created, int Topics, int Partitions, int Files, long Bytes, long LinkedBytes);

/// <summary>How far a backup or its restoration is.</summary>
/// <param name="Done">How many partitions are copied, or of a restoration, files.</param>
/// <param name="Total">Of how many.</param>
/// <param name="Bytes">How many bytes are dealt with.</param>
public readonly record struct BackupProgress(int Done, int Total, long Bytes);
