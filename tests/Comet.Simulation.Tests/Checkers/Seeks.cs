namespace Comet.Simulation.Tests.Checkers;

/// <summary>What a history proves about a subscription that was moved. What was acked, held or given back until the end of a move binds
/// nobody; nor does what is done over an attachment from before it, because its consumer may not have heard of the move yet. A move of
/// which nobody knows whether it is over is never over.</summary>
internal sealed class Seeks
{
    private readonly Dictionary<(string Topic, string Subscription), long> _moved = [];
    private readonly Dictionary<string, long> _ended = [];
    private readonly Dictionary<(string Actor, int Attachment), long> _attached = [];

    /// <summary>Takes the next row in; true when nothing that was known of its subscription counts any more.</summary>
    public bool Clears(in Op op)
    {
        switch (op.Kind)
        {
            case OpKind.Detached:
                _ended[op.Actor] = op.Time;
                return false;
            case OpKind.Attached:
                _attached[(op.Actor, op.Attachment)] = _ended.GetValueOrDefault(op.Actor, -1);
                return false;
            case OpKind.Seek:
                _moved[(op.Topic, op.Subscription)] = long.MaxValue;
                return true;
            case OpKind.Sought:
                _moved[(op.Topic, op.Subscription)] = op.Time;
                return true;
            default:
                return false;
        }
    }

    /// <summary>The earliest time at which the attachment of a row may have begun: when the one before it ended.</summary>
    public long Since(in Op op) => _attached.GetValueOrDefault((op.Actor, op.Attachment), -1);

    /// <summary>Whether a row may be about a time before the last move of its subscription.</summary>
    public bool MayBeStale(in Op op) => _moved.TryGetValue((op.Topic, op.Subscription), out var moved) && Since(op) <= moved;

    /// <summary>Forgets what is known of the subscription that a row is about.</summary>
    public static void Forget<TValue>(Dictionary<(string Subscription, Place Place), TValue> known, Op op)
    {
        foreach (var key in known.Keys.Where(key => key.Subscription == op.Subscription && key.Place.Topic == op.Topic).ToArray())
            known.Remove(key);
    }
}
