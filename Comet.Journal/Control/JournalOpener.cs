using Comet.Journals.FileSystem;
using Comet.Journals.Maintenance;
using Comet.Journals.Recovery;
using Comet.Journals.Segments;

namespace Comet.Journals.Control;

/// <summary>Opens a journal: creates it, recovers it when nobody has it open, or joins those who have.</summary>
internal static class JournalOpener
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(5);

    public static JournalState Open(JournalEnvironment environment, string directory, JournalOptions options)
    {
        var files = environment.Files;
        environment = environment with { Events = new JournalEvents(options.EventOccurred) };
        directory = Path.GetFullPath(directory);
        if (options.Access == JournalAccess.ReadOnly)
            return OpenReadOnly(environment, directory, options);

        files.CreateDirectory(directory);
        files.RequireUsable(directory);
        var metadata = JournalMetadata.TryRead(files, directory)
            ?? JournalMetadata.Create(files, directory, environment.NextId(), options);
        var merged = metadata.Merge(options);
        var path = Path.Combine(directory, ControlFile.Name);
        var locks = files.Open(path, FileOpening.OpenOrCreate);
        var probe = new LockProbe(files, path);
        try
        {
            var control = Enter(environment, directory, metadata, merged, locks, probe);
            return new JournalState(environment, directory, metadata, merged, control, probe);
        }
        catch
        {
            probe.Dispose();
            locks.Dispose();
            throw;
        }
    }

    private static JournalState OpenReadOnly(JournalEnvironment environment, string directory, JournalOptions options)
    {
        if (!environment.Files.DirectoryExists(directory) || JournalMetadata.TryRead(environment.Files, directory) is not { } metadata)
        {
            throw new JournalException(JournalErrorCode.NotFound,
                $"There is no journal in {directory}. Check the path, or open it for writing to create it.") { File = directory };
        }

        environment.Files.RequireUsable(directory);
        return new JournalState(environment, directory, metadata, metadata.Merge(options), null, null);
    }

    private static ControlFile Enter(JournalEnvironment environment, string directory, JournalMetadata metadata, JournalOptions options,
        IJournalFile locks, LockProbe probe)
    {
        var started = TimeProvider.System.GetTimestamp();
        using var pause = new SemaphoreSlim(0);
        while (true)
        {
            if (locks.TryLock(JournalLock.Session, exclusive: true))
            {
                var control = Recover(environment, directory, metadata, options, locks, probe);
                if (options.Access == JournalAccess.Shared && !locks.TryLock(JournalLock.Session, exclusive: false))
                    throw InUse(directory);
                return control;
            }

            if (options.Access == JournalAccess.Shared && locks.TryLock(JournalLock.Session, exclusive: false))
            {
                if (ControlFile.TryJoin(locks, metadata.JournalId, environment.Files.SessionId) is { } control)
                {
                    if (control.IsReady)
                    {
                        control.IsClean = false;
                        return control;
                    }


                    control.Unmap();
                }

                locks.Unlock(JournalLock.Session);
            }

            if (TimeProvider.System.GetElapsedTime(started) > options.OpenTimeout)
                throw InUse(directory);
            pause.Wait(RetryDelay);
        }
    }

    private static ControlFile Recover(JournalEnvironment environment, string directory, JournalMetadata metadata, JournalOptions options,
        IJournalFile locks, LockProbe probe)
    {
        var store = new SegmentStore(environment, directory, metadata, options);
        store.Catalog.Refresh();
        var session = environment.Files.SessionId;
        if (session != Guid.Empty && ControlFile.TryJoin(locks, metadata.JournalId, session) is { } before)
        {
            if (before.IsReady && CleanSession.TryResume(store, before))
                return before;
            if (before.IsReady)
                KilledWriters.CloseClaims(store, before, probe);
            before.Unmap();
        }

        var recovered = new JournalRecovery(store).Run();
        var control = ControlFile.Begin(locks, metadata.JournalId, session, options.MaxWriters + ControlFile.FlushSlots);
        var count = recovered.NextSequence - recovered.FirstSequence;
        control.Start(recovered.Place.Segment, TailWord.Of(recovered.Place.Segment, recovered.Place.Position, count),
            recovered.Place, recovered.NextSequence);
        return control;
    }

    private static JournalException InUse(string directory) => new(JournalErrorCode.InUse,
        $"The journal in {directory} is open elsewhere, exclusively or against an exclusive opener, or being recovered. Close it there, or "
        + $"wait longer ({nameof(JournalOptions.OpenTimeout)}).") { File = directory };
}
