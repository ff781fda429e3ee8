namespace Comet.Simulation.Tests.Checkers;

/// <summary>Nobody gives back a delivery but its holder: a consumer is given a message again only when it has given back or acked the
/// delivery before, or has been told that it is lost. A nack of an earlier delivery that comes late does not count for a newer
/// one.</summary>
internal sealed class TakenAwayChecker : IChecker
{
    public string Name => "TakenAway";

    public IEnumerable<string> Check(History history)
    {
        var held = new Dictionary<(string Actor, string Subscription, Place Place), Op>();
        foreach (var op in history.Ops)
        {
            var message = (op.Actor, op.Subscription, Place.Of(op));
            switch (op.Kind)
            {
                case OpKind.Ack:
                case OpKind.Nack or OpKind.Lost when held.TryGetValue(message, out var delivery) && delivery.Count == op.Count:
                    held.Remove(message);
                    break;
                case OpKind.Detached:
                    foreach (var key in held.Keys.Where(key => key.Actor == op.Actor).ToArray())
                        held.Remove(key);
                    break;
                case OpKind.Deliver:
                    if (held.TryGetValue(message, out var before) && op.Count > before.Count)
                        yield return $"[{op}] although its consumer still had [{before}], and was not told that it is lost";
                    if (op.Count >= before.Count)
                        held[message] = op;
                    break;
            }
        }
    }
}
