namespace Comet.Journals.Tests;

/// <summary>A directory of its own for one test, deleted with all that is in it.</summary>
internal sealed class TemporaryDirectory : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("comet-journal-").FullName;

    public string[] Segments => Directory.GetFiles(Path, "*.journal").Order(StringComparer.Ordinal).ToArray();

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
