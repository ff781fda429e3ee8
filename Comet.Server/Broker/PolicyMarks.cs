namespace Comet.Server.Broker;

/// <summary>What a topic's policy has done to a subscription.</summary>
internal sealed class PolicyMarks
{
    /// <summary>How many messages the time to live has acked.</summary>
    public long Expired { get; set; }

    /// <summary>How many messages the backlog quota has acked.</summary>
    public long Dropped { get; set; }

    /// <summary>All below has been looked at for its time to live.</summary>
    public long ExpiredUpTo { get; set; }

    /// <summary>Those of a subscription that goes on at another place: everything is looked at again.</summary>
    public PolicyMarks Moved() => new() { Expired = Expired, Dropped = Dropped };
}
