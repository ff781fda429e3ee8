using Comet.Checksums;
using Comet.Journals.FileSystem;

namespace Comet.Journals.Packing;

/// <summary>Copies a packed segment to another folder, which may be on another disk. No keys are needed for that.</summary>
internal static class SegmentCopy
{
    private const int PartLength = 1 << 20;

    /// <summary>Copies a file; it has its name, durably, and has been read again when this returns.</summary>
    /// <returns>Its length.</returns>
    public static long Run(IFileSystem files, string from, string to, Guid unique, CancellationToken cancellationToken) =>
        NewFile.Write(files, to, unique, temporary =>
        {
            using var source = files.Open(from, FileOpening.Read);
            using var target = files.Open(temporary, FileOpening.Create);
            var written = Pass(source, target, cancellationToken);
            target.FlushData();
            if (Pass(target, null, cancellationToken) != written)
                throw PackedFile.Damaged(temporary, 0, $"does not hold what was just copied from {from}");
            return source.Length;
        });

    private static uint Pass(IJournalFile source, IJournalFile? target, CancellationToken cancellationToken)
    {
        var buffer = new byte[PartLength];
        var crc = uint.MaxValue;
        for (var at = 0L; ;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var part = buffer.AsSpan(0, source.Read(buffer, at));
            if (part.IsEmpty)
                return crc;

            target?.Write(part, at);
            crc = Crc32C.Append(crc, Crc32C.Compute(part));
            at += part.Length;
        }
    }
}
