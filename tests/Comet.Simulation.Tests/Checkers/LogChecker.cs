namespace Comet.Simulation.Tests.Checkers;

/// <summary>P3, P4 and P6: a message has one place in a log, a place one message, and a producer's messages stand in the order in which
/// they were sent.</summary>
internal sealed class LogChecker : IChecker
{
    public string Name => "DuplicateInLog";

    public IEnumerable<string> Check(History history)
    {
        var places = new Dictionary<(long Value, string Topic, long Epoch), Op>();
        var values = new Dictionary<Place, Op>();
        foreach (var op in history.Ops.Where(static op => op.Kind == OpKind.Deliver))
        {
            if (!places.TryAdd((op.Value, op.Topic, op.Epoch), op))
            {
                var first = places[(op.Value, op.Topic, op.Epoch)];
                if (Place.Of(first) != Place.Of(op))
                    yield return $"One message stands at two places: [{first}] and [{op}]";
            }
            if (!values.TryAdd(Place.Of(op), op) && values[Place.Of(op)].Value != op.Value)
                yield return $"Two messages stand at one place: [{values[Place.Of(op)]}] and [{op}]";
        }
        foreach (var breach in OutOfOrder(history, values.Values))
            yield return breach;
    }

    private static IEnumerable<string> OutOfOrder(History history, IEnumerable<Op> stored)
    {
        var senders = history.Ops.Where(static op => op.Kind == OpKind.Send).ToDictionary(static op => op.Value, static op => op.Actor);
        foreach (var log in stored.Where(op => senders.ContainsKey(op.Value))
            .GroupBy(op => (senders[op.Value], op.Topic, op.Partition, op.Epoch)))
        {
            var last = default(Op);
            foreach (var op in log.OrderBy(static op => op.Offset))
            {
                if (last.Value > op.Value)
                    yield return $"'{log.Key.Item1}' sent [{op}] before [{last}], and it stands behind it";
                last = op;
            }
        }
    }
}
