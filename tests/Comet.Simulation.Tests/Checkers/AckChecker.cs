namespace Comet.Simulation.Tests.Checkers;

/// <summary>P5: a message whose ack was confirmed is not delivered again. A delivery that was on its way at that time may still arrive,
/// so only those count that came over an attachment which began later than the confirm: one whose predecessor ended later.</summary>
internal sealed class AckChecker : IChecker
{
    public string Name => "AckedThenRedelivered";

    public IEnumerable<string> Check(History history)
    {
        var acked = new Dictionary<(string Subscription, Place Place), Op>();
        var attached = new Dictionary<(string Actor, int Attachment), long>();
        var ended = new Dictionary<string, long>();
        foreach (var op in history.Ops)
        {
            switch (op.Kind)
            {
                case OpKind.Attached:
                    attached[(op.Actor, op.Attachment)] = ended.GetValueOrDefault(op.Actor, -1);
                    break;
                case OpKind.Detached:
                    ended[op.Actor] = op.Time;
                    break;
                case OpKind.AckConfirmed:
                    acked.TryAdd((op.Subscription, Place.Of(op)), op);
                    break;
                case OpKind.Deliver when acked.TryGetValue((op.Subscription, Place.Of(op)), out var ack)
                    && attached.TryGetValue((op.Actor, op.Attachment), out var since) && since > ack.Time:
                    yield return $"[{op}] came over an attachment of {since / 1e6:0.000000} although [{ack}]";
                    break;
            }
        }
    }
}
