using System.Diagnostics;
using System.Globalization;

namespace Comet.Cli.Bench;

/// <summary>A measurement's own folder, within the directory that the user names. Disposing removes it, and of the directory what was made
/// for it; whatever else has come there meanwhile stays.</summary>
internal sealed class BenchFolder : IDisposable
{
    private readonly Lock _gate = new();
    private readonly DirectoryInfo _own;
    private readonly List<DirectoryInfo> _made = [];
    private readonly List<Process> _users = [];
    private int _names;
    private bool _isDisposed;

    public BenchFolder(DirectoryInfo directory)
    {
        for (var missing = directory; missing is { Exists: false }; missing = missing.Parent)
            _made.Add(missing);
        _own = directory.CreateSubdirectory(NewName(directory));
    }

    /// <summary>A name that nobody has there: another process, of another container for example, may have the same number as this one, or
    /// may have had it.</summary>
    private static string NewName(DirectoryInfo directory)
    {
        string name;
        do
            name = string.Create(CultureInfo.InvariantCulture, $"comet-bench-{Environment.ProcessId}-{Guid.NewGuid():N}");
        while (Path.Exists(Path.Combine(directory.FullName, name)));
        return name;
    }

    /// <summary>A path in it that nobody uses.</summary>
    public string NewPath() => Path.Combine(_own.FullName, $"{Interlocked.Increment(ref _names)}");

    /// <summary>Starts a process that works in it: it ends with the folder at the latest, also when who has started it was left
    /// behind.</summary>
    /// <exception cref="ObjectDisposedException">The folder is gone.</exception>
    public Process? Start(ProcessStartInfo start)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            var process = Process.Start(start);
            if (process is not null)
                _users.Add(process);
            return process;
        }
    }

    /// <summary>Says that a process which was started has ended.</summary>
    public void Ended(Process process)
    {
        lock (_gate)
            _users.Remove(process);
    }

    public void Dispose()
    {
        lock (_gate)
        {
            if (_isDisposed)
                return;
            _isDisposed = true;
            foreach (var process in _users)
            {
                process.Kill();
                process.WaitForExit();
            }
        }
        _own.Delete(recursive: true);
        foreach (var directory in _made.TakeWhile(static made => !made.EnumerateFileSystemInfos().Any()))
            directory.Delete();
    }
}
