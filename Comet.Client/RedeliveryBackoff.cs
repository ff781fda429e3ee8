namespace Comet.Client;

/// <summary>How long a message waits at the broker that was given back without a delay of its own, or whose lease was over: longer each
/// time. Immutable.</summary>
public sealed record RedeliveryBackoff
{
    private const int Permille = 1000;
    private const double MaxMultiplier = 1000;

    /// <summary>No wait: what is given back comes again at once.</summary>
    public static RedeliveryBackoff None { get; } = new() { Initial = TimeSpan.Zero, Max = TimeSpan.Zero };

    /// <summary>The wait behind the first delivery. Default: 1 s.</summary>
    public TimeSpan Initial { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest wait. Default: 1 min.</summary>
    public TimeSpan Max { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>By what the wait grows with each delivery, in steps of a thousandth. Default: 2.</summary>
    public double Multiplier { get; init; } = 2;

    internal int MultiplierPermille => (int)Math.Round(Multiplier * Permille);

    internal void Validate()
    {
        if (Initial < TimeSpan.Zero || Max < Initial || Max > TimeSpan.FromDays(366))
            throw new ArgumentException(
                $"A redelivery back-off goes from {nameof(Initial)} to {nameof(Max)}, not from {Initial} to {Max}.");
        if (Multiplier is not (>= 1 and <= MaxMultiplier))
            throw new ArgumentException($"{nameof(Multiplier)} is {Multiplier}; it must be from 1 to {MaxMultiplier}.");
    }
}
