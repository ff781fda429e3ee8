using System.IO.MemoryMappedFiles;

namespace Comet.Journals.FileSystem;

/// <summary>A shared mapping by what .NET offers everywhere.</summary>
internal sealed unsafe class PortableMapping : IFileMapping
{
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;

    public PortableMapping(FileStream stream, long length, bool writable)
    {
        var access = writable ? MemoryMappedFileAccess.ReadWrite : MemoryMappedFileAccess.Read;
        _file = MemoryMappedFile.CreateFromFile(stream, null, 0, access, HandleInheritability.None, leaveOpen: true);
        _view = _file.CreateViewAccessor(0, length, access);
        byte* pointer = null;
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref pointer);
        Pointer = pointer + _view.PointerOffset;
        Length = length;
    }

    public byte* Pointer { get; }

    public long Length { get; }

    public void Populate(long position, long length)
    {
        // Pages come with their first write.
    }

    public void Dispose()
    {
        if (!_view.SafeMemoryMappedViewHandle.IsClosed)
        {
            _view.SafeMemoryMappedViewHandle.ReleasePointer();
            _view.Dispose();
        }

        _file.Dispose();
    }
}
