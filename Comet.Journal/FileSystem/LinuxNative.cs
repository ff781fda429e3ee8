using System.Runtime.InteropServices;

namespace Comet.Journals.FileSystem;

/// <summary>The calls of libc that .NET has no or no honest form of: its own flushes swallow errors on Linux.</summary>
internal static unsafe partial class LinuxNative
{
    public const int ReadOnly = 0;
    public const int ReadWrite = 2;
    public const int CreateFlag = 0x40;
    public const int ExclusiveFlag = 0x80;
    public const int CloseOnExec = 0x80000;

    public const int NoEntry = 2;
    public const int Interrupted = 4;
    public const int TryAgain = 11;
    public const int AccessDenied = 13;
    public const int FileExists = 17;
    public const int InvalidArgument = 22;
    public const int TooManyOpenInSystem = 23;
    public const int TooManyOpenInProcess = 24;
    public const int NoSpace = 28;
    public const int NotSupported = 95;
    public const int TimedOut = 110;
    public const int QuotaExceeded = 122;

    public const int ProtectRead = 1;
    public const int ProtectWrite = 2;
    public const int MapShared = 1;
    public const int WillNeed = 3;
    public const int DoNotNeed = 4;
    public const int PopulateRead = 22;
    public const int PopulateWrite = 23;
    public const int SynchronousFlush = 4;

    public const int KeepSize = 1;
    public const int PunchHole = 2;

    public const int GetOpenFileLock = 36;
    public const int SetOpenFileLock = 37;
    public const short ReadLock = 0;
    public const short WriteLock = 1;
    public const short NoLock = 2;

    public const int AtCurrentDirectory = -100;
    public const uint RenameNoReplace = 1;

    private const string Libc = "libc";

    // O_DIRECTORY is the one flag used here that differs between the two architectures.
    public static int DirectoryFlag => RuntimeInformation.ProcessArchitecture is Architecture.Arm64 or Architecture.Arm ? 0x4000 : 0x10000;

    private static long FutexNumber => RuntimeInformation.ProcessArchitecture is Architecture.X64 ? 202 : 98;

    /// <summary>struct flock of 64-bit Linux.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct FileLock
    {
        public short Type;
        public short Whence;
        public long Start;
        public long Length;
        public int ProcessId;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct TimeSpec
    {
        public long Seconds;
        public long Nanoseconds;
    }

    [LibraryImport(Libc, EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Open(string path, int flags, uint mode);

    [LibraryImport(Libc, EntryPoint = "close", SetLastError = true)]
    public static partial int Close(int file);

    [LibraryImport(Libc, EntryPoint = "fdatasync", SetLastError = true)]
    public static partial int FlushData(int file);

    [LibraryImport(Libc, EntryPoint = "fsync", SetLastError = true)]
    public static partial int Flush(int file);

    /// <summary>Returns the error instead of setting errno.</summary>
    [LibraryImport(Libc, EntryPoint = "posix_fallocate")]
    public static partial int Preallocate(int file, long position, long length);

    [LibraryImport(Libc, EntryPoint = "fallocate", SetLastError = true)]
    public static partial int Allocate(int file, int mode, long position, long length);

    [LibraryImport(Libc, EntryPoint = "ftruncate", SetLastError = true)]
    public static partial int Truncate(int file, long length);

    [LibraryImport(Libc, EntryPoint = "lseek", SetLastError = true)]
    public static partial long Seek(int file, long position, int whence);

    [LibraryImport(Libc, EntryPoint = "pread", SetLastError = true)]
    public static partial nint Read(int file, byte* buffer, nuint count, long position);

    [LibraryImport(Libc, EntryPoint = "pwrite", SetLastError = true)]
    public static partial nint Write(int file, byte* buffer, nuint count, long position);

    [LibraryImport(Libc, EntryPoint = "mmap", SetLastError = true)]
    public static partial nint Map(nint address, nuint length, int protection, int flags, int file, long position);

    [LibraryImport(Libc, EntryPoint = "munmap", SetLastError = true)]
    public static partial int Unmap(nint address, nuint length);

    [LibraryImport(Libc, EntryPoint = "msync", SetLastError = true)]
    public static partial int FlushMapping(nint address, nuint length, int flags);

    [LibraryImport(Libc, EntryPoint = "madvise", SetLastError = true)]
    public static partial int Advise(nint address, nuint length, int advice);

    [LibraryImport(Libc, EntryPoint = "fcntl", SetLastError = true)]
    public static partial int Lock(int file, int command, ref FileLock fileLock);

    [LibraryImport(Libc, EntryPoint = "renameat2", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Rename(int fromDirectory, string from, int toDirectory, string to, uint flags);

    [LibraryImport(Libc, EntryPoint = "link", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Link(string from, string to);

    [LibraryImport(Libc, EntryPoint = "unlink", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Unlink(string path);

    [LibraryImport(Libc, EntryPoint = "mkdir", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int CreateDirectory(string path, uint mode);

    [LibraryImport(Libc, EntryPoint = "statfs", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int FileSystemStatus(string path, byte* status);

    // A few nanoseconds, in user space: it may run without telling the garbage collector.
    [LibraryImport(Libc, EntryPoint = "clock_gettime")]
    [SuppressGCTransition]
    public static partial int ClockTime(int clock, TimeSpec* time);

    public static long Futex(int* address, int operation, int value, TimeSpec* timeout) =>
        SystemCall(FutexNumber, address, operation, value, timeout, null, 0);

    [LibraryImport(Libc, EntryPoint = "syscall", SetLastError = true)]
    private static partial long SystemCall(long number, int* address, int operation, int value, TimeSpec* timeout, int* other, int last);
}
