using System.Runtime.InteropServices;

namespace Comet.Journals.FileSystem;

/// <summary>A shared mapping of Linux. Unmapped when disposed, and at the latest when nobody refers to it.</summary>
internal sealed unsafe class LinuxMapping : SafeHandle, IFileMapping
{
    private const long PageMask = 4095;
    private const long UnmapFrom = 16 * (PageMask + 1);

    public LinuxMapping(nint address, long length)
        : base(0, ownsHandle: true)
    {
        Length = length;
        SetHandle(address);
    }

    public byte* Pointer => (byte*)handle;

    public long Length { get; }

    public bool FlushesRanges => true;

    public override bool IsInvalid => handle == 0;

    // 0.6 us a page against 7 us for the fault of a first write (measured, decision 0020).
    public void Populate(long position, long length) => Advise(position, length, LinuxNative.PopulateWrite);

    public void PopulateToRead(long position, long length) => Advise(position, length, LinuxNative.PopulateRead);

    // msync with MS_SYNC is fdatasync of a range: it ends in the same call of the file system (vfs_fsync_range). fdatasync would also write
    // the pages prepared for what comes next, and write-protect them again: each would cost a fault, 1 us, once more.
    public void Flush(string path, long position, long length)
    {
        var from = position & ~PageMask;
        var to = Math.Min(Length, position + length);
        // The kernel write-protects page by page, and tells every processor each time: 3 us in a virtual machine, while a writer appends.
        // Unmapped together before, they cost it once. The last page stays: writers are in it.
        if (to - from >= UnmapFrom)
            _ = LinuxNative.Advise(handle + (nint)from, (nuint)((to & ~PageMask) - from), LinuxNative.DoNotNeed);
        if (LinuxNative.FlushMapping(handle + (nint)from, (nuint)(to - from), LinuxNative.SynchronousFlush) != 0)
            throw LinuxError.Of("Flushing", path);
    }

    public void WillRead(long position, long length) => Advise(position, length, LinuxNative.WillNeed);

    // Whole pages only: what stands around them may still be read.
    public void Forget(long position, long length)
    {
        var from = (position + PageMask) & ~PageMask;
        var to = (position + length) & ~PageMask;
        if (to > from)
            _ = LinuxNative.Advise(handle + (nint)from, (nuint)(to - from), LinuxNative.DoNotNeed);
    }

    public void Forget() => _ = LinuxNative.Advise(handle, (nuint)Length, LinuxNative.DoNotNeed);

    protected override bool ReleaseHandle() => LinuxNative.Unmap(handle, (nuint)Length) == 0;

    // Kernels before 5.14 say EINVAL: no harm.
    private void Advise(long position, long length, int advice)
    {
        var from = position & ~PageMask;
        var to = Math.Min(Length, position + length);
        if (to > from)
            _ = LinuxNative.Advise(handle + (nint)from, (nuint)(to - from), advice);
    }
}
