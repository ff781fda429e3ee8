using System.Runtime.InteropServices;

namespace Comet.Journals.FileSystem;

/// <summary>A shared mapping of Linux. Unmapped when disposed, and at the latest when nobody refers to it.</summary>
internal sealed unsafe class LinuxMapping : SafeHandle, IFileMapping
{
    private const long PageMask = 4095;

    public LinuxMapping(nint address, long length)
        : base(0, ownsHandle: true)
    {
        Length = length;
        SetHandle(address);
    }

    public byte* Pointer => (byte*)handle;

    public long Length { get; }

    public override bool IsInvalid => handle == 0;

    public void Populate(long position, long length)
    {
        var from = position & ~PageMask;
        var to = Math.Min(Length, position + length);
        // 0.6 us a page against 7 us for the fault of a first write (measured, decision 0020). Kernels before 5.14 say EINVAL: no harm.
        if (to > from)
            _ = LinuxNative.Advise(handle + (nint)from, (nuint)(to - from), LinuxNative.PopulateWrite);
    }

    protected override bool ReleaseHandle() => LinuxNative.Unmap(handle, (nuint)Length) == 0;
}
