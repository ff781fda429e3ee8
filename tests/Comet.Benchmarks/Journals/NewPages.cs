using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Comet.Benchmarks.Journals;

/// <summary>What the memory of a new file costs, by how it comes: the figures behind decision 0022. Linux only.</summary>
internal static partial class NewPages
{
    private const long Length = 64L << 20;
    private const int Files = 4;
    private const int Step = 256 * 1024;
    private const int PopulateWrite = 23;
    private const int ReadAndWrite = 3;
    private const int Shared = 1;
    private static readonly byte[] s_zeros = new byte[4 << 20];

    public static void Run(int rounds)
    {
        var measured = new Rounds("64 MiB of a new file", "MB/s").Add("populated", static () => Measure(0, isMapped: true));
        foreach (var piece in (int[])[16, 32, 64, 128, 256, 1024, 2048])
            measured.Add($"{piece} KiB, populated", () => Measure(piece * 1024, isMapped: true));
        measured.Add("4 MiB, not mapped", static () => Measure(4 << 20, isMapped: false)).Run(rounds);
    }

    private static double Measure(int piece, bool isMapped)
    {
        using var scratch = new Scratch();
        return Rounds.Rate(Files * Length >> 20, () =>
        {
            for (var i = 0; i < Files; i++)
            {
                using var file = File.OpenHandle(
                    scratch.File($"{i}"), FileMode.CreateNew, FileAccess.ReadWrite, preallocationSize: Length);
                Write(file, piece);
                if (isMapped)
                    Populate(file);
            }
        });
    }

    private static void Write(SafeFileHandle file, int piece)
    {
        for (var at = 0L; piece > 0 && at < Length; at += piece)
            RandomAccess.Write(file, s_zeros.AsSpan(0, piece), at);
    }

    // Not by MemoryMappedFile, which flushes when it is disposed.
    private static void Populate(SafeFileHandle file)
    {
        RandomAccess.SetLength(file, Length);
        var start = Map(0, (nuint)Length, ReadAndWrite, Shared, file, 0);
        for (var at = 0L; at < Length; at += Step)
        {
            if (Advise(start + (nint)at, Step, PopulateWrite) != 0)
                throw new IOException($"madvise failed ({Marshal.GetLastPInvokeErrorMessage()}).");
        }

        _ = Unmap(start, (nuint)Length);
    }

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial nint Map(nint address, nuint length, int protection, int flags, SafeFileHandle file, nint offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(nint address, nuint length);

    [LibraryImport("libc", EntryPoint = "madvise", SetLastError = true)]
    private static partial int Advise(nint start, nuint length, int advice);
}
