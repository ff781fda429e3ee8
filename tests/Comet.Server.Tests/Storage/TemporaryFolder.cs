namespace Comet.Server.Tests.Storage;

/// <summary>A folder that is gone with the test.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    private readonly string _path = Directory.CreateTempSubdirectory("comet-server-tests-").FullName;
    private int _copies;

    public string Path => _path;

    public string this[string name] => System.IO.Path.Combine(_path, name);

    /// <summary>Copies a folder as it stands, in the middle of whatever is going on in it: what a process would leave that is killed
    /// now.</summary>
    public string Copy(string folder)
    {
        var copy = this[$"copy-{++_copies}"];
        if (!Directory.Exists(folder))
            return copy;
        foreach (var directory in Directory.EnumerateDirectories(folder, "*", SearchOption.AllDirectories).Prepend(folder))
            Directory.CreateDirectory(directory.Replace(folder, copy, StringComparison.Ordinal));
        foreach (var file in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
            File.Copy(file, file.Replace(folder, copy, StringComparison.Ordinal));
        return copy;
    }

    public void Dispose() => Directory.Delete(_path, recursive: true);
}
