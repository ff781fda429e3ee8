using Comet.Journals.FileSystem;

namespace Comet.Journals.Preparation;

/// <summary>A file that is to become the next segment: allocated, mapped, its identity durable, its first pages ready.</summary>
/// <param name="file">The file, under a name that is no segment's.</param>
/// <param name="mapping">All of it.</param>
/// <param name="prepared">Pages before this are ready.</param>
internal sealed class SpareSegment(IJournalFile file, IFileMapping mapping, long prepared) : IDisposable
{
    // Short: whoever takes the spare meanwhile waits for it.
    private const long Step = 256 * 1024;

    public IJournalFile File => file;

    public IFileMapping Mapping => mapping;

    /// <summary>Pages before this are ready.</summary>
    public long Prepared { get; private set; } = prepared;

    /// <summary>Makes a few more pages ready; false when those before a place are.</summary>
    public bool PrepareMore(long to)
    {
        var length = Math.Min(Step, Math.Min(to, mapping.Length) - Prepared);
        if (length <= 0)
            return false;

        mapping.Populate(Prepared, length);
        Prepared += length;
        return true;
    }

    public void Dispose()
    {
        mapping.Dispose();
        file.Dispose();
    }
}
