using Comet.Journals.FileSystem;
using Comet.Journals.Records;
using Comet.Journals.Segments;

namespace Comet.Journals.Tests.SimulatedDisk;

/// <summary>No checksum is ever found wrong: as if none was checked.</summary>
internal sealed unsafe class NoChecksums : Defect
{
    public override void Tamper(SimulatedFileSystem left)
    {
        foreach (var (path, inode) in left.Names.Where(static each => each.Key.EndsWith(SegmentName.Extension, StringComparison.Ordinal)))
        {
            try
            {
                Sign(inode.Content, SegmentHeader.Read(inode.Content.Span[..SegmentHeader.Length], path));
            }
            catch (JournalException)
            {
                // Without a header there are no records.
            }
        }
    }

    private static void Sign(SectorBytes content, SegmentHeader header)
    {
        var room = content.Length - RecordLayout.HeaderLength;
        for (var at = header.Layout.DataStart; at < room;)
        {
            var record = content.Pointer + at;
            var word = RecordLayout.Word(record);
            if (!RecordLayout.IsPlausible(word, content.Length - at))
                return;

            *(uint*)(record + RecordLayout.CrcAt) = RecordLayout.ComputeCrc(header.Seed, word, record);
            at += RecordLayout.Size(word);
        }
    }
}

/// <summary>Every file has the same salt.</summary>
internal sealed class NoSalt : Defect
{
    public override Func<uint> Salts(Func<uint> salts) => static () => 7;
}

/// <summary>Names are not flushed.</summary>
internal sealed class NoDirectoryFlush : Defect
{
    public override IFileSystem Wrap(IFileSystem files) => new Names(files);

    private sealed class Names(IFileSystem inner) : PassingFileSystem(inner)
    {
        public override void FlushDirectory(string directory)
        {
            // That is the bug.
        }
    }
}

/// <summary>A flush says that all is well and does its work when the next one comes.</summary>
internal sealed class AckBeforeFlush : Defect
{
    public override IFileSystem Wrap(IFileSystem files) => new Late(files);

    private sealed class Late(IFileSystem inner) : PassingFileSystem(inner)
    {
        private Action _owed = static () => { };

        protected override void Flush(Action flush)
        {
            _owed();
            _owed = flush;
        }
    }
}

/// <summary>A flush that failed is tried again, and believed when it says that all is well.</summary>
internal sealed class FlushTriedAgain : Defect
{
    private const int Tries = 20;

    public override IFileSystem Wrap(IFileSystem files) => new Stubborn(files);

    private sealed class Stubborn(IFileSystem inner) : PassingFileSystem(inner)
    {
        protected override void Flush(Action flush)
        {
            for (var i = 1; ; i++)
            {
                try
                {
                    flush();
                    return;
                }
                catch (JournalException failed) when (failed.Code == JournalErrorCode.StorageError && i < Tries)
                {
                    // That is the bug.
                }
            }
        }
    }
}

/// <summary>Everybody is taken for alive, whoever was killed.</summary>
internal sealed class NobodyIsDead : Defect
{
    public override IFileSystem Wrap(IFileSystem files) => new Alive(files);

    private sealed class Alive(IFileSystem inner) : PassingFileSystem(inner)
    {
        protected override bool IsLockedByOther(IJournalFile file, long position) => true;
    }
}
