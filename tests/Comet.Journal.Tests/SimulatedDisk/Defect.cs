using Comet.Journals.FileSystem;

namespace Comet.Journals.Tests.SimulatedDisk;

/// <summary>A bug that is planted between a journal and its disk. It costs the journal itself nothing: what it does wrong is what its file
/// system, its chance, or what a restart finds, do wrong for it.</summary>
internal abstract class Defect
{
    public virtual IFileSystem Wrap(IFileSystem files) => files;

    public virtual Func<uint> Salts(Func<uint> salts) => salts;

    /// <summary>Whatever the journal is to find after a power cut.</summary>
    public virtual void Tamper(SimulatedFileSystem left)
    {
        // Most bugs are elsewhere.
    }
}

/// <summary>No bug.</summary>
internal sealed class NoDefect : Defect;
