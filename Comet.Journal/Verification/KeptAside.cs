using System.Globalization;
using Comet.Journals.FileSystem;

namespace Comet.Journals.Verification;

/// <summary>Keeps what a repair replaces, under names that no journal reads: <c>damaged-1-NAME.kept</c>, or the next number that is
/// free.</summary>
internal sealed class KeptAside(IFileSystem files)
{
    private const string Start = "damaged-";
    private const string End = ".kept";
    private const int CopyLength = 1 << 20;

    private readonly List<string> _paths = [];

    public IReadOnlyList<string> Paths => _paths;

    /// <summary>The name that a file would be kept under.</summary>
    public string PathFor(string path)
    {
        for (var i = 1; ; i++)
        {
            var kept = Path.Combine(
                Path.GetDirectoryName(path)!, string.Create(CultureInfo.InvariantCulture, $"{Start}{i}-{Path.GetFileName(path)}{End}"));
            if (!files.Exists(kept))
                return kept;
        }
    }

    /// <summary>Copies a file, durably but for its name: the original stays until something takes its place in one step.</summary>
    public void Copy(string path)
    {
        var kept = PathFor(path);
        using (var from = files.Open(path, FileOpening.Read))
        using (var to = files.Open(kept, FileOpening.Create))
        {
            to.Preallocate(from.Length);
            CopyBytes(from, to, from.Length);
            to.FlushData();
        }

        _paths.Add(kept);
    }

    /// <summary>Gives a file its other name.</summary>
    public void Move(string path)
    {
        var kept = PathFor(path);
        files.Replace(path, kept);
        _paths.Add(kept);
    }

    public static void CopyBytes(IJournalFile from, IJournalFile to, long length)
    {
        var buffer = new byte[(int)Math.Min(CopyLength, Math.Max(1, length))];
        for (var at = 0L; at < length;)
        {
            var count = from.Read(buffer.AsSpan(0, (int)Math.Min(buffer.Length, length - at)), at);
            if (count == 0)
                return;
            to.Write(buffer.AsSpan(0, count), at);
            at += count;
        }
    }
}
