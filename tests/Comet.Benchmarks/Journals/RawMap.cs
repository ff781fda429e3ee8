using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Comet.Benchmarks.Journals;

/// <summary>The yardstick: records copied one behind the other into a mapped file whose pages were touched before, and fdatasync. No
/// checksum, no order among writers, no recovery: what no journal can beat.</summary>
internal sealed unsafe partial class RawMap : ILogUnderTest
{
    private const int HeaderLength = 4;
    private const int Alignment = 8;
    private const int PageLength = 4096;

    private readonly long _length;
    private readonly SafeFileHandle _file;
    private readonly MemoryMappedFile _map;
    private readonly MemoryMappedViewAccessor _view;
    private readonly byte* _start;
    private long _end;
    private long _read;

    public RawMap(string path, long length)
    {
        _length = length;
        _file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.ReadWrite, preallocationSize: length);
        RandomAccess.SetLength(_file, length);
        _map = MemoryMappedFile.CreateFromFile(_file, null, length, MemoryMappedFileAccess.ReadWrite, HandleInheritability.None, true);
        _view = _map.CreateViewAccessor(0, length);
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _start);
        Touch();
        Commit();
        // The first write after a flush costs a fault, too.
        Touch();
    }

    public string Name => "raw copy";

    public void Append(ReadOnlySpan<byte> record)
    {
        var size = (HeaderLength + record.Length + Alignment - 1) & -Alignment;
        if (_end + size > _length)
            _end = 0;
        var at = _start + _end;
        record.CopyTo(new Span<byte>(at + HeaderLength, record.Length));
        Volatile.Write(ref *(int*)at, record.Length);
        _end += size;
    }

    public int ReadNext()
    {
        if (_read >= _end)
            return -1;
        var length = *(int*)(_start + _read);
        var record = new ReadOnlySpan<byte>(_start + _read + HeaderLength, length);
        _read += (HeaderLength + length + Alignment - 1) & -Alignment;
        return record.Count(ILogUnderTest.Mark);
    }

    public long ReadAll()
    {
        var sum = 0L;
        for (int next; (next = ReadNext()) >= 0;)
            sum += next;
        return sum;
    }

    public void Rewind() => _read = 0;

    public void Commit()
    {
        if (FlushData(_file) != 0)
            throw new IOException($"fdatasync failed ({Marshal.GetLastPInvokeErrorMessage()}).");
    }

    public void Dispose()
    {
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _map.Dispose();
        _file.Dispose();
    }

    private void Touch()
    {
        for (var page = 0L; page < _length; page += PageLength)
            _start[page] = 1;
    }

    [LibraryImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    private static partial int FlushData(SafeFileHandle file);
}
