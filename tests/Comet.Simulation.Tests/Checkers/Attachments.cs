namespace Comet.Simulation.Tests.Checkers;

/// <summary>Until when the broker certainly had each attachment of a consumer to a partition: until the last ack that it confirmed over
/// it, or, when it never ended, all the time. What the consumer itself believes proves nothing: its broker may have given it up
/// already.</summary>
internal sealed class Attachments
{
    private readonly Dictionary<(string Actor, int Attachment, string Topic, int Partition), long> _confirmed = [];
    private readonly HashSet<(string Actor, int Attachment)> _ended = [];

    public Attachments(History history)
    {
        foreach (var op in history.Ops)
        {
            if (op.Kind == OpKind.AckConfirmed)
                _confirmed[(op.Actor, op.Attachment, op.Topic, op.Partition)] = op.Time;
            else if (op.Kind == OpKind.Detached)
                _ended.Add((op.Actor, op.Attachment));
        }
    }

    /// <summary>Whether the attachment over which an op was made lasted beyond a time.</summary>
    public bool Outlived(in Op op, long time) => !_ended.Contains((op.Actor, op.Attachment))
        || (_confirmed.TryGetValue((op.Actor, op.Attachment, op.Topic, op.Partition), out var until) && until > time);
}
