namespace Comet.Server.Storage.Local.Backup;

/// <summary>Makes a data directory from a backup. The file that says what the directory is comes last: one that is not whole is taken by no
/// broker.</summary>
internal sealed class BackupRestoration(
    string backup, string data, IProgress<BackupProgress>? progress, CancellationToken cancellationToken)
{
    public BackupSummary Run()
    {
        var manifest = BackupManifest.Read(backup);
        DataDirectory.RequireFormat(backup, manifest.Head.Data);
        BackupFiles.TakeEmpty(data, "a data directory");
        BackupFiles.RequireRoom(data, manifest.Files.Sum(static file => file.Length) + Ballast.Length);
        try
        {
            Restore(manifest);
        }
        catch
        {
            Clear();
            throw;
        }
        var head = manifest.Head;
        return new(head.Created, head.Topics, head.Partitions, manifest.Files.Count, manifest.Files.Sum(static file => file.Length),
            LinkedBytes: 0);
    }

    private void Restore(BackupManifest manifest)
    {
        BackupFiles.MakeDirectory(Path.Combine(data, DataDirectory.TopicsName));
        var (done, bytes) = (0, 0L);
        foreach (var file in manifest.Files)
        {
            cancellationToken.ThrowIfCancellationRequested();
            RestoreFile(file);
            bytes += file.Length;
            progress?.Report(new(++done, manifest.Files.Count, bytes));
        }
        BackupFiles.FlushNames(data);
        BackupFiles.Write(Path.Combine(data, DataDirectory.FormatName), System.Text.Encoding.UTF8.GetBytes(manifest.Head.Data));
    }

    private void RestoreFile(BackupFile file)
    {
        var from = Path.GetFullPath(Path.Combine(backup, BackupFiles.Data, file.Path));
        var to = Path.GetFullPath(Path.Combine(data, file.Path));
        if (!to.StartsWith(Path.TrimEndingDirectorySeparator(data) + Path.DirectorySeparatorChar, StringComparison.Ordinal))
            throw Damaged(from, "it would lie outside of the data directory");
        if (new FileInfo(from) is var found && !found.Exists)
            throw Damaged(from, "it is missing");
        if (found.Length != file.Length)
            throw Damaged(from, $"it has {found.Length} bytes instead of {file.Length}");
        BackupFiles.MakeDirectory(Path.GetDirectoryName(to)!);
        if (BackupFiles.Copy(from, to, cancellationToken) != file.Sha256)
            throw Damaged(from, "its contents are not what was backed up");
    }

    private CometException Damaged(string path, string how) => new(ErrorCode.StorageFailed,
        $"The backup {backup} is damaged at {path}: {how}. Nothing was restored. Take another backup.");

    // It was empty before: all in it is from here.
    private void Clear()
    {
        try
        {
            foreach (var directory in Directory.EnumerateDirectories(data))
                Directory.Delete(directory, recursive: true);
            foreach (var file in Directory.EnumerateFiles(data))
                File.Delete(file);
        }
        catch (IOException)
        {
            // No broker takes what is left: it does not say that it is a data directory.
        }
    }
}
