using Comet.Journals.Control;
using Comet.Journals.FileSystem;
using Comet.Journals.Records;

namespace Comet.Journals.Places;

/// <summary>The named readers of a journal: a file <c>NAME.reader</c> each, locked by whoever has it open.</summary>
internal sealed class NamedReaders(JournalState state)
{
    public const string Extension = ".reader";
    public const int MaxNameLength = 100;

    private IFileSystem Files => state.Segments.Files;

    private Guid JournalId => state.Metadata.JournalId;

    /// <summary>Opens a reader, and creates it when there is none.</summary>
    public NamedReader Open(string name, JournalStart start)
    {
        RequireName(name);
        var path = PathOf(name);
        var reader = new JournalReader(state);
        PlaceFile? file = null;
        try
        {
            using (state.RequireGates().Places.Enter())
            {
                if (!Files.Exists(path))
                    Create(path, reader, start);
                file = PlaceFile.TryOpen(Files, path, JournalId) ?? throw InUse(name);
            }

            Span<long> values = stackalloc long[PlaceFile.ValueCount];
            file.Read(values);
            reader.GoTo(ReaderPlace.From(values));
            return new NamedReader(state, name, reader, file);
        }
        catch
        {
            file?.Dispose();
            reader.Dispose();
            throw;
        }
    }

    public IReadOnlyList<NamedReaderInfo> List()
    {
        var found = new List<NamedReaderInfo>();
        foreach (var name in Names())
        {
            if (TryReadPlace(name) is { } place)
                found.Add(new NamedReaderInfo(name, place.NextSequence, UnixTicks.ToTime(place.Time), IsOpen(name)));
        }

        return found;
    }

    /// <summary>Forgets a reader; false when there is none of that name.</summary>
    public bool Delete(string name)
    {
        RequireName(name);
        using (state.RequireGates().Places.Enter())
        {
            if (!Files.Exists(PathOf(name)))
                return false;
            if (IsOpen(name))
                throw InUse(name);

            Files.Delete(PathOf(name));
            Files.FlushDirectory(state.Directory);
            return true;
        }
    }

    /// <summary>The first segment that a named reader still needs; the greatest number there is when there are none.</summary>
    /// <exception cref="JournalException">The place of one cannot be read.</exception>
    public long FirstNeededSegment() =>
        Names().Select(TryReadPlace).Min(place => place?.Segment) ?? long.MaxValue;

    private IEnumerable<string> Names() => Files.List(state.Directory)
        .Where(file => file.EndsWith(Extension, StringComparison.Ordinal))
        .Select(file => file[..^Extension.Length])
        .Where(IsName)
        .Order(StringComparer.Ordinal);

    /// <summary>The place in a reader's file; null when it is not there, or damaged, which whoever opens it is told.</summary>
    public static ReaderPlace? TryReadPlace(IFileSystem files, string path, Guid journalId)
    {
        try
        {
            return PlaceFile.TryRead(files, path, journalId) is { } values ? ReaderPlace.From(values) : null;
        }
        catch (JournalException damaged) when (damaged.Code == JournalErrorCode.Corrupt)
        {
            return null;
        }
    }

    private ReaderPlace? TryReadPlace(string name) =>
        PlaceFile.TryRead(Files, PathOf(name), JournalId) is { } values ? ReaderPlace.From(values) : null;

    private void Create(string path, JournalReader reader, JournalStart start)
    {
        _ = reader.Seek(start);
        Span<long> values = stackalloc long[PlaceFile.ValueCount];
        (reader.GetPlace() with { Time = UnixTicks.Of(state.Options.TimeProvider.GetUtcNow()) }).CopyTo(values);
        PlaceFile.Create(Files, path, JournalId, state.Segments.NextId(), values);
    }

    private bool IsOpen(string name)
    {
        try
        {
            using var file = Files.Open(PathOf(name), FileOpening.ReadWrite);
            return file.IsLockedByOther(0);
        }
        catch (JournalException refused) when (refused.Code is JournalErrorCode.NotFound or JournalErrorCode.StorageError)
        {
            // Deleted meanwhile, or this process may only read: nothing better is known.
            return false;
        }
    }

    private string PathOf(string name) => Path.Combine(state.Directory, name + Extension);

    private static void RequireName(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (!IsName(name))
        {
            throw new ArgumentException(
                $"'{name}' is no name for a reader: it must be of at most {MaxNameLength} letters a to z, digits, '-', '_' and '.', and "
                + "begin with a letter or a digit.", nameof(name));
        }
    }

    private static bool IsName(string name) => name.Length is > 0 and <= MaxNameLength && char.IsAsciiLetterOrDigit(name[0])
        && name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_' or '.');

    private JournalException InUse(string name) => new(JournalErrorCode.ReaderInUse,
        $"The reader '{name}' of the journal in {state.Directory} is open already, here or in another process. Close it there, or take "
        + "another name.") { File = PathOf(name) };
}
