using Comet.Journals.FileSystem;

namespace Comet.Journals.Segments;

/// <summary>The file of a mapped segment. Where the mapping does without it, it is closed until it is asked for: ten thousand journals in
/// one process would not get a descriptor each for their segments.</summary>
internal sealed class SegmentFile : IDisposable
{
    private readonly Lock _gate = new();
    private readonly IFileSystem _files;
    private readonly bool _writable;
    private IJournalFile? _file;

    public SegmentFile(IFileSystem files, string path, IJournalFile? file, bool writable)
    {
        _files = files;
        _writable = writable;
        _file = file;
        Path = path;
    }

    public string Path { get; }

    /// <summary>The file, opened when need be, until this is disposed.</summary>
    public IJournalFile Open()
    {
        lock (_gate)
            return _file ??= _files.Open(Path, _writable ? FileOpening.ReadWrite : FileOpening.Read);
    }

    public void Close()
    {
        lock (_gate)
        {
            _file?.Dispose();
            _file = null;
        }
    }

    public void Dispose() => Close();
}
