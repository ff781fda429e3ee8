namespace Comet.Server.Storage.Local;

/// <summary>A file that takes room so that there is some when the disk is full: then it is given up, so that acks can still be saved and
/// segments removed, and nothing is appended until there is room for it again.</summary>
/// <param name="path">Where it is.</param>
internal sealed class Ballast(string path)
{
    /// <summary>2 MiB: twice what the metadata writes before it can be put in order.</summary>
    public const long Length = 2 * 1024 * 1024;

    // How long a full disk is taken to be full without looking again.
    private const long PauseMilliseconds = 250;

    private readonly Lock _gate = new();
    private bool _isThere;
    private long _lastLook = long.MinValue;

    /// <summary>Whether there is room for something new: the file is there, or can be made.</summary>
    public bool HasRoom => Volatile.Read(ref _isThere) || TryKeep();

    /// <summary>Gives up the room; false when it was given up already.</summary>
    public bool Release()
    {
        lock (_gate)
        {
            if (!_isThere)
                return false;
            _isThere = false;
            File.Delete(path);
            return true;
        }
    }

    private bool TryKeep()
    {
        lock (_gate)
        {
            if (_isThere)
                return true;
            var now = Environment.TickCount64;
            if (_lastLook != long.MinValue && now - _lastLook < PauseMilliseconds)
                return false;
            _lastLook = now;
            try
            {
                DataDirectory.CreateFile(path, Length);
                return _isThere = true;
            }
            catch (IOException)
            {
                // An incomplete one takes the room that others need.
                File.Delete(path);
                return false;
            }
        }
    }
}
