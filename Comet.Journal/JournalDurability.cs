namespace Comet.Journals;

/// <summary>What an append has to survive before it is confirmed.</summary>
public enum JournalDurability
{
    /// <summary>The end of the process, however it comes. A power cut or a crash of the system may take what was appended within
    /// <see cref="JournalOptions.FlushInterval"/> or <see cref="JournalOptions.FlushLength"/>, whichever is less.</summary>
    Os = 0,

    /// <summary>A power cut too: the record, and every record before it, has been flushed to the disk and the disk has said so.</summary>
    Disk = 1
}
