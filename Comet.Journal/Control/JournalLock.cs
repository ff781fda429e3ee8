namespace Comet.Journals.Control;

/// <summary>The bytes of <c>journal.control</c> that are locked, each for one purpose. All end with the process that holds them.</summary>
internal static class JournalLock
{
    /// <summary>Shared by everybody who has the journal open to write; exclusive during recovery and for exclusive access.</summary>
    public const long Session = 1L << 32;

    /// <summary>Held while the place of a dead writer is closed.</summary>
    public const long Hole = Session + 2;

    /// <summary>Held while sealed segments are packed, moved or deleted.</summary>
    public const long Maintenance = Session + 3;

    /// <summary>Held while the places of named readers are changed.</summary>
    public const long Places = Session + 4;

    /// <summary>The first of the writers' slots.</summary>
    public const long Slots = 1L << 33;

    /// <summary>The first of the numbers in the names of spare segments: held by whoever makes those with that number.</summary>
    public const long SpareOwners = 1L << 34;
}
