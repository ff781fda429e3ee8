using System.Buffers.Binary;
using Comet.Server.Broker;

namespace Comet.Server.Storage.Local;

/// <summary>Writes a run (<see cref="DelayRunFile"/>): entries by time, then those by key, then the header. Until it is finished it has
/// another name, and what is left of one that is not is removed at the next start.</summary>
internal sealed class DelayRunWriter : IDisposable
{
    private const int BufferLength = 256 * DelayRunFile.BlockLength;

    private readonly string _path;
    private readonly long _id;
    private readonly FileStream _file;
    private readonly byte[] _block = new byte[DelayRunFile.BlockLength];
    private long _number = 1;
    private int _inBlock;
    private long _count;
    private long _keyCount;

    public DelayRunWriter(string path, long id)
    {
        (_path, _id) = (path, id);
        // Each write is on the disk when it returns, or has failed: a flush behind them would not tell.
        var options = new FileStreamOptions
        {
            Mode = FileMode.Create, Access = FileAccess.Write, BufferSize = BufferLength, Options = FileOptions.WriteThrough,
        };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        _file = new FileStream(TemporaryPath, options);
        _file.Position = DelayRunFile.BlockLength;
    }

    /// <summary>Whether nothing was added.</summary>
    public bool IsEmpty => _count == 0 && _keyCount == 0;

    private string TemporaryPath => _path + ".new";

    public void Add(DueOffset entry)
    {
        var at = _block.AsSpan(_inBlock * DelayRunFile.TimeLength);
        BinaryPrimitives.WriteInt64LittleEndian(at, entry.Due);
        BinaryPrimitives.WriteInt64LittleEndian(at[8..], entry.Offset);
        _count++;
        if (++_inBlock == DelayRunFile.TimesPerBlock)
            EndBlock();
    }

    /// <summary>Entries by key follow.</summary>
    public void BeginKeys() => EndBlock();

    public void Add(KeyedOffset entry)
    {
        var at = _block.AsSpan(_inBlock * DelayRunFile.KeyLength);
        BinaryPrimitives.WriteInt32LittleEndian(at, entry.Hash);
        BinaryPrimitives.WriteInt64LittleEndian(at[4..], entry.Offset);
        _keyCount++;
        if (++_inBlock == DelayRunFile.KeysPerBlock)
            EndBlock();
    }

    /// <summary>Makes it durable and gives it its name.</summary>
    public DelayRunName Finish()
    {
        EndBlock();
        var name = new DelayRunName(_id, _count, _keyCount);
        DelayRunFile.WriteHeader(_block, name);
        _file.Position = 0;
        _file.Write(_block);
        _file.Dispose();
        File.Move(TemporaryPath, _path, overwrite: true);
        DirectoryFlush.Run(Path.GetDirectoryName(_path)!);
        return name;
    }

    public void Dispose()
    {
        _file.Dispose();
        File.Delete(TemporaryPath);
    }

    private void EndBlock()
    {
        if (_inBlock == 0)
            return;
        DelayRunFile.Seal(_block, _number++);
        _file.Write(_block);
        Array.Clear(_block);
        _inBlock = 0;
    }
}
