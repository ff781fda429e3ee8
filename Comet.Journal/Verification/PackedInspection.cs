using Comet.Journals.Packing;
using Comet.Journals.Records;

namespace Comet.Journals.Verification;

/// <summary>Reads a packed segment block by block, over those that are damaged.</summary>
internal static unsafe class PackedInspection
{
    public static void Run(PackedSegmentReader reader, SegmentFinding finding)
    {
        var blocks = reader.File.Blocks;
        var (records, sequence, endsWith) = (0L, reader.Header.FirstSequence, (long?)null);
        for (var i = 0; i < blocks.Count; i++)
        {
            var (position, end) = (blocks[i].Position, reader.File.EndOf(i));
            try
            {
                while (position < end && endsWith is null)
                    position += Take(reader, position, ref records, ref sequence, ref endsWith);
            }
            catch (JournalException damaged) when (damaged.Code == JournalErrorCode.Corrupt)
            {
                finding.DamagedBlocks.Add((new JournalDamage
                {
                    File = finding.Path,
                    FilePosition = blocks[i].StoredAt,
                    Length = blocks[i].StoredLength,
                    Reason = $"block {i}, with the records from byte {position} of the segment on, is not what was written",
                    FirstSequence = Math.Max(sequence, blocks[i].Sequence),
                    EndSequence = i + 1 < blocks.Count ? blocks[i + 1].Sequence : null
                }, position, end));
            }
        }

        finding.Inspection = SegmentInspection.OfPacked(records, sequence, endsWith);
    }

    /// <summary>Takes one record and returns its size.</summary>
    private static int Take(PackedSegmentReader reader, long position, ref long records, ref long sequence, ref long? endsWith)
    {
        var window = reader.Open(position);
        var record = window.Origin + position;
        var word = window.Contains(position) ? RecordLayout.Word(record) : 0;
        if (!RecordLayout.IsPlausible(word, window.To - position) || !RecordLayout.IsIntact(reader.Header.Seed, word, record))
            throw PackedFile.Damaged(reader.Path, position, "has no whole record where one should be");

        var kind = RecordLayout.Kind(word);
        if (kind == RecordKind.End)
            endsWith = sequence = RecordLayout.Sequence(record);
        else if (kind == RecordKind.Data)
            (records, sequence) = (records + 1, RecordLayout.Sequence(record) + 1);
        return RecordLayout.Size(word);
    }
}
