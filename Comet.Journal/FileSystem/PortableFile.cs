using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Comet.Journals.FileSystem;

/// <summary>A file by what .NET offers everywhere. The lock of byte n is an open file named after it; it ends with the process.</summary>
internal sealed unsafe partial class PortableFile : IJournalFile
{
    private const int ZerosAtOnce = 1 << 20;
    private const int FullFlush = 51;

    private readonly FileStream _stream;
    private readonly Dictionary<long, FileStream> _locks = [];
    private readonly Lock _gate = new();

    public PortableFile(string path, FileOpening opening)
    {
        Path = path;
        var mode = opening switch
        {
            FileOpening.Create => FileMode.CreateNew,
            FileOpening.OpenOrCreate => FileMode.OpenOrCreate,
            _ => FileMode.Open
        };
        var access = opening == FileOpening.Read ? FileAccess.Read : FileAccess.ReadWrite;
        _stream = new FileStream(path, mode, access, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
    }

    public string Path { get; }

    public long Length => RandomAccess.GetLength(_stream.SafeFileHandle);

    public int Read(Span<byte> buffer, long position)
    {
        var done = 0;
        while (done < buffer.Length)
        {
            var count = RandomAccess.Read(_stream.SafeFileHandle, buffer[done..], position + done);
            if (count == 0)
                break;
            done += count;
        }

        return done;
    }

    public void Write(ReadOnlySpan<byte> bytes, long position)
    {
        try
        {
            RandomAccess.Write(_stream.SafeFileHandle, bytes, position);
        }
        catch (IOException failed)
        {
            throw new JournalException(JournalErrorCode.StorageError, $"Writing {Path} failed: {failed.Message}", failed) { File = Path };
        }
    }

    public void Preallocate(long length) => PortableFileSystem.Try("Allocating space for", Path, () =>
    {
        var before = Length;
        var zeros = new byte[(int)Math.Min(ZerosAtOnce, Math.Max(0, length - before))];
        try
        {
            for (var at = before; at < length; at += zeros.Length)
                RandomAccess.Write(_stream.SafeFileHandle, zeros.AsSpan(0, (int)Math.Min(zeros.Length, length - at)), at);
        }
        catch (IOException)
        {
            _stream.SetLength(before);
            throw;
        }

        return true;
    });

    public void Punch(long position, long length)
    {
        // Only a saving: without it the space is given back when the segment is deleted or compressed.
    }

    public void Truncate(long length) => PortableFileSystem.Try("Truncating", Path, () =>
    {
        _stream.SetLength(length);
        return true;
    });

    public void FlushData()
    {
        var handle = _stream.SafeFileHandle;
        var failed = OperatingSystem.IsWindows() ? !FlushFileBuffers(handle)
            : OperatingSystem.IsMacOS() ? Control((int)handle.DangerousGetHandle(), FullFlush) != 0
            : LinuxNative.FlushData((int)handle.DangerousGetHandle()) != 0;
        if (failed)
        {
            throw new JournalException(JournalErrorCode.StorageError,
                $"Flushing {Path} failed: {Marshal.GetLastPInvokeErrorMessage()}. Check the disk and the system's log.") { File = Path };
        }
    }

    public IFileMapping Map(long length, bool writable) => PortableFileSystem.Try<IFileMapping>("Mapping", Path, () =>
        new PortableMapping(_stream, length, writable));

    public bool TryLock(long position, bool exclusive)
    {
        lock (_gate)
        {
            // Unlike on Linux a conversion is not one step: who comes between wins, and this call says no.
            if (_locks.Remove(position, out var held))
                held.Dispose();
            if (OpenLock(position, exclusive) is not { } taken)
                return false;

            _locks[position] = taken;
            return true;
        }
    }

    public void Unlock(long position)
    {
        lock (_gate)
        {
            if (_locks.Remove(position, out var held))
                held.Dispose();
        }
    }

    public bool IsLockedByOther(long position)
    {
        lock (_gate)
        {
            // Nobody has ever held one whose file is not there; who only reads must not create it.
            if (_locks.ContainsKey(position) || !File.Exists($"{Path}.{position}.lock"))
                return false;

            using var probe = OpenLock(position, exclusive: true);
            return probe is null;
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            foreach (var held in _locks.Values)
                held.Dispose();
            _locks.Clear();
        }

        _stream.Dispose();
    }

    [LibraryImport("kernel32.dll", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool FlushFileBuffers(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int Control(int file, int command);

    private FileStream? OpenLock(long position, bool exclusive)
    {
        try
        {
            return exclusive
                ? new FileStream($"{Path}.{position}.lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None)
                : new FileStream($"{Path}.{position}.lock", FileMode.OpenOrCreate, FileAccess.Read, FileShare.Read);
        }
        catch (IOException)
        {
            return null;
        }
    }
}
