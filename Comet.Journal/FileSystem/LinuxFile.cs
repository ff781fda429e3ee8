using System.Runtime.InteropServices;

namespace Comet.Journals.FileSystem;

/// <summary>A file descriptor of Linux. Locks are open-file-description locks: the kernel drops them when the process dies.</summary>
internal sealed unsafe class LinuxFile : SafeHandle, IJournalFile
{
    private const int SeekEnd = 2;

    private volatile bool _hasLocked;

    public LinuxFile(string path, int descriptor)
        : base(-1, ownsHandle: true)
    {
        Path = path;
        SetHandle(descriptor);
    }

    public string Path { get; }

    public override bool IsInvalid => handle < 0;

    public long Length
    {
        get
        {
            var length = LinuxNative.Seek(Descriptor, 0, SeekEnd);
            return length >= 0 ? length : throw LinuxError.Of("Asking for the length of", Path);
        }
    }

    private int Descriptor
    {
        get
        {
            ObjectDisposedException.ThrowIf(IsClosed, this);
            return (int)handle;
        }
    }

    public int Read(Span<byte> buffer, long position)
    {
        var done = 0;
        fixed (byte* start = buffer)
        {
            while (done < buffer.Length)
            {
                var count = LinuxNative.Read(Descriptor, start + done, (nuint)(buffer.Length - done), position + done);
                if (count == 0)
                    break;
                if (count > 0)
                    done += (int)count;
                else if (Marshal.GetLastPInvokeError() != LinuxNative.Interrupted)
                    throw LinuxError.Of("Reading", Path);
            }
        }

        return done;
    }

    public void Write(ReadOnlySpan<byte> bytes, long position)
    {
        var done = 0;
        fixed (byte* start = bytes)
        {
            while (done < bytes.Length)
            {
                var count = LinuxNative.Write(Descriptor, start + done, (nuint)(bytes.Length - done), position + done);
                if (count > 0)
                    done += (int)count;
                else if (count == 0 || Marshal.GetLastPInvokeError() != LinuxNative.Interrupted)
                    throw LinuxError.Of("Writing", Path);
            }
        }
    }

    public void Preallocate(long length)
    {
        var before = Length;
        if (before >= length)
            return;

        int error;
        do
        {
            error = LinuxNative.Preallocate(Descriptor, 0, length);
        }
        while (error == LinuxNative.Interrupted);
        if (error == 0)
            return;

        // What it got before it failed would be missing elsewhere.
        _ = LinuxNative.Truncate(Descriptor, before);
        throw LinuxError.Of($"Allocating {length} bytes for", Path, error);
    }

    public void Punch(long position, long length)
    {
        if (LinuxNative.Allocate(Descriptor, LinuxNative.PunchHole | LinuxNative.KeepSize, position, length) != 0
            && Marshal.GetLastPInvokeError() is not (LinuxNative.NotSupported or LinuxNative.InvalidArgument))
            throw LinuxError.Of("Giving back space of", Path);
    }

    public void Truncate(long length)
    {
        if (LinuxNative.Truncate(Descriptor, length) != 0)
            throw LinuxError.Of("Truncating", Path);
    }

    // Not tried again, whatever the error: the kernel may have dropped the pages, and a second call would say 0 (reliability, finding 3).
    public void FlushData()
    {
        if (LinuxNative.FlushData(Descriptor) != 0)
            throw LinuxError.Of("Flushing", Path);
    }

    public IFileMapping Map(long length, bool writable)
    {
        var protection = writable ? LinuxNative.ProtectRead | LinuxNative.ProtectWrite : LinuxNative.ProtectRead;
        var address = LinuxNative.Map(0, (nuint)length, protection, LinuxNative.MapShared, Descriptor, 0);
        return address != -1 ? new LinuxMapping(address, length) : throw LinuxError.Of("Mapping", Path);
    }

    public bool TryLock(long position, bool exclusive)
    {
        var range = Range(position, exclusive ? LinuxNative.WriteLock : LinuxNative.ReadLock);
        _hasLocked = true;
        if (LinuxNative.Lock(Descriptor, LinuxNative.SetOpenFileLock, ref range) == 0)
            return true;

        return Marshal.GetLastPInvokeError() is LinuxNative.TryAgain or LinuxNative.AccessDenied
            ? false
            : throw LinuxError.Of("Locking", Path);
    }

    public void Unlock(long position)
    {
        var range = Range(position, LinuxNative.NoLock);
        if (LinuxNative.Lock(Descriptor, LinuxNative.SetOpenFileLock, ref range) != 0)
            throw LinuxError.Of("Unlocking", Path);
    }

    public bool IsLockedByOther(long position)
    {
        var range = Range(position, LinuxNative.WriteLock);
        return LinuxNative.Lock(Descriptor, LinuxNative.GetOpenFileLock, ref range) == 0
            ? range.Type != LinuxNative.NoLock
            : throw LinuxError.Of("Asking for a lock of", Path);
    }

    // Closing alone drops locks only when nothing else shares the open file: a child process that this one is just starting has a copy of
    // every descriptor until it runs its own program, and would keep the lock for that long.
    protected override bool ReleaseHandle()
    {
        if (_hasLocked)
        {
            var all = new LinuxNative.FileLock { Type = LinuxNative.NoLock };
            _ = LinuxNative.Lock((int)handle, LinuxNative.SetOpenFileLock, ref all);
        }

        return LinuxNative.Close((int)handle) == 0;
    }

    private static LinuxNative.FileLock Range(long position, short type) => new() { Type = type, Start = position, Length = 1 };
}
