using System.CommandLine;
using Comet.Client;

namespace Comet.Cli.Commands;

/// <summary>The options for what becomes of a message that was written.</summary>
internal static class SettleFlags
{
    private static readonly Option<bool> s_nack = new("--nack")
    {
        Description = "Give each message back instead of acking it: it is delivered again.",
    };
    private static readonly Option<bool> s_deadLetter = new("--dead-letter")
    {
        Description = "Give each message up instead of acking it: it goes to the dead-letter topic.",
    };
    private static readonly Option<TimeSpan?> s_delay = ValueParsers.Delay("--delay", "With --nack: not again before this time is over.");
    private static readonly Option<string?> s_reason = new("--reason")
    {
        Description = "With --nack or --dead-letter: why; it goes with the message to the dead-letter topic.",
        HelpName = "text",
    };

    public static Option[] All { get; } = [s_nack, s_delay, s_deadLetter, s_reason];

    /// <summary>What is to be done with each delivery.</summary>
    /// <exception cref="UsageException">Options that do not go together.</exception>
    public static Func<Delivery<ReadOnlyMemory<byte>>, ValueTask> Read(ParseResult arguments)
    {
        var (nack, deadLetter) = (arguments.GetValue(s_nack), arguments.GetValue(s_deadLetter));
        var (delay, reason) = (arguments.GetValue(s_delay), arguments.GetValue(s_reason));
        if (nack && deadLetter)
            throw new UsageException("--nack gives a message back and --dead-letter gives it up: give one of the two.");
        if (delay is not null && !nack)
            throw new UsageException("--delay says when a message comes again that is given back: it needs --nack.");
        if (reason is not null && !nack && !deadLetter)
            throw new UsageException("--reason says why a message is not acked: it needs --nack or --dead-letter.");
        if (nack)
            return delivery => delivery.NackAsync(delay, reason);
        return deadLetter
            ? delivery => delivery.DeadLetterAsync(reason)
            : static delivery => delivery.AckAsync(CancellationToken.None);
    }
}
