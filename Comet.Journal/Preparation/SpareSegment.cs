using Comet.Journals.FileSystem;

namespace Comet.Journals.Preparation;

/// <summary>A file that is to become the next segment: allocated, mapped, its identity durable, its first pages ready.</summary>
/// <param name="File">The file, under a name that is no segment's.</param>
/// <param name="Mapping">All of it.</param>
/// <param name="Prepared">Pages before this are ready.</param>
internal sealed record SpareSegment(IJournalFile File, IFileMapping Mapping, long Prepared) : IDisposable
{
    public void Dispose()
    {
        Mapping.Dispose();
        File.Dispose();
    }
}
