namespace Comet.Journals.Tests.SimulatedDisk;

/// <summary>Names as programs see them, as the disk has them, and the changes in between.</summary>
internal sealed class SimulatedDirectory
{
    private readonly Dictionary<string, SimulatedInode> _names;
    private readonly Dictionary<string, SimulatedInode> _durable;
    private readonly List<Change> _pending = [];

    public SimulatedDirectory()
        : this([])
    {
    }

    private SimulatedDirectory(Dictionary<string, SimulatedInode> names)
    {
        _names = names;
        _durable = new Dictionary<string, SimulatedInode>(names);
    }

    public IReadOnlyDictionary<string, SimulatedInode> Names => _names;

    public bool HasPending => _pending.Count > 0;

    public void Create(string name, SimulatedInode inode) => Apply(new Change(null, name, inode));

    public void Rename(string from, string to) => Apply(new Change(from, to, _names[from]));

    public void Delete(string name) => Apply(new Change(name, null, _names[name]));

    /// <summary>Makes the changes of one folder durable; those of others stay as they are.</summary>
    public void Flush(string folder)
    {
        foreach (var change in _pending)
        {
            if (change.Folder == folder)
                change.ApplyTo(_durable);
        }

        _pending.RemoveAll(change => change.Folder == folder);
    }

    /// <summary>What is left of the names after a power cut: of the changes that were not flushed some first ones, or any.</summary>
    public SimulatedDirectory Crash(Random random, Func<string, SimulatedInode, SimulatedInode> crash)
    {
        var names = new Dictionary<string, SimulatedInode>(_durable);
        var (isPrefix, count) = (random.Next(2) == 0, random.Next(_pending.Count + 1));
        for (var i = 0; i < _pending.Count; i++)
        {
            if (isPrefix ? i < count : random.Next(2) == 0)
                _pending[i].ApplyTo(names);
        }

        return Map(names, crash);
    }

    /// <summary>All names, with files that are made from what they have.</summary>
    public SimulatedDirectory Clone(Func<SimulatedInode, SimulatedInode> clone) => Map(new(_names), (_, inode) => clone(inode));

    private static SimulatedDirectory Map(
        Dictionary<string, SimulatedInode> names, Func<string, SimulatedInode, SimulatedInode> crash)
    {
        var left = new Dictionary<SimulatedInode, SimulatedInode>();
        foreach (var name in names.Keys.ToList())
        {
            if (!left.TryGetValue(names[name], out var crashed))
                left[names[name]] = crashed = crash(name, names[name]);
            names[name] = crashed;
        }

        return new SimulatedDirectory(names);
    }

    private void Apply(Change change)
    {
        change.ApplyTo(_names);
        _pending.Add(change);
    }

    /// <summary>One entry goes, one comes, in one step.</summary>
    private sealed record Change(string? From, string? To, SimulatedInode Inode)
    {
        public string? Folder => Path.GetDirectoryName(To ?? From);

        public void ApplyTo(Dictionary<string, SimulatedInode> names)
        {
            if (From is not null && names.TryGetValue(From, out var there) && ReferenceEquals(there, Inode))
                names.Remove(From);
            if (To is not null)
                names[To] = Inode;
        }
    }
}
