namespace Comet.Journals.Tests;

/// <summary>A directory of its own for one test, deleted with all that is in it.</summary>
internal sealed class TemporaryDirectory : IDisposable
{
    public TemporaryDirectory() => Path = Directory.CreateTempSubdirectory("comet-journal-").FullName;

    /// <param name="parent">Where it is.</param>
    public TemporaryDirectory(string parent) =>
        Path = Directory.CreateDirectory(System.IO.Path.Combine(parent, $"comet-journal-{Guid.NewGuid():N}")).FullName;

    public string Path { get; }

    public string[] Segments => Directory.GetFiles(Path, "*.journal").Order(StringComparer.Ordinal).ToArray();

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
