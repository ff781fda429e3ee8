namespace Comet.Journals;

/// <summary>What of a journal is replayed, and how fast. The default: all there is when the replay begins, as fast as it can be
/// read.</summary>
public sealed record JournalReplay
{
    /// <summary>Where it begins. Default: the first record that is kept.</summary>
    public JournalStart From { get; init; }

    /// <summary>The first sequence that is not replayed; what is not there yet when the replay begins is not waited for. Default: the
    /// end.</summary>
    public long ToSequence { get; init; } = long.MaxValue;

    /// <summary>How much faster than it was appended: 1 keeps the original pauses, 2 halves them. Default: null, no pauses.</summary>
    /// <remarks>Pauses are counted from the start of the replay, so that they do not add up to more. Where timestamps go back there is
    /// none.</remarks>
    public double? Speed { get; init; }

    /// <summary>The clock the pauses are kept by; a virtual one where time is simulated. Default: the system's.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Checks the values.</summary>
    /// <exception cref="ArgumentException">One is out of its range.</exception>
    internal JournalReplay Validated()
    {
        ArgumentNullException.ThrowIfNull(TimeProvider, nameof(TimeProvider));
        if (Speed is not { } speed || (speed > 0 && double.IsFinite(speed)))
            return this;

        throw new ArgumentException($"{nameof(Speed)} is {Speed}; it must be a number above 0, or null for no pauses.", nameof(Speed));
    }
}
