using Comet.Server.Storage;

namespace Comet.Server.Broker;

/// <summary>Makes a subscription of what an earlier process has saved of it.</summary>
internal static class SubscriptionRestore
{
    /// <summary>Fills a new subscription; the messages that wait for their time are known already.</summary>
    public static void Resume(Subscription subscription, SubscriptionState state, DelayIndex delays, long endOffset, long now)
    {
        (subscription.Marks.Expired, subscription.Marks.Dropped) = (state.Expired, state.Dropped);
        var at = subscription.Cursor.AckedUpTo;
        foreach (var run in state.Again)
        {
            if (run.Range.Last >= endOffset)
                break;
            ResumeBetween(subscription, delays, new(at, run.Range.First - 1));
            subscription.Resume(run, now);
            at = run.Range.Last + 1;
        }
        subscription.IsStored = true;
        if (!IsBeyond(state, endOffset))
            subscription.SavedVersion = subscription.Version;
    }

    /// <summary>A cursor as far as the log goes: what lies beyond was lost with the messages there, and other messages will have those
    /// offsets.</summary>
    public static CursorState Clamp(CursorState cursor, long endOffset)
    {
        var ranges = new List<OffsetRange>();
        foreach (var range in cursor.Acked)
        {
            if (range.First < endOffset)
                ranges.Add(range with { Last = Math.Min(range.Last, endOffset - 1) });
        }
        return new(Math.Min(cursor.AckedUpTo, endOffset), ranges);
    }

    /// <summary>Whether something was saved about messages that the log does not have.</summary>
    public static bool IsBeyond(SubscriptionState state, long endOffset) =>
        state.Cursor.AckedUpTo > endOffset
        || state.Cursor.Acked.Any(range => range.Last >= endOffset)
        || state.Again.Any(run => run.Range.Last >= endOffset);

    /// <summary>What is not acked and was not held: it had been left out, and its time has come meanwhile or is still to come.</summary>
    private static void ResumeBetween(Subscription subscription, DelayIndex delays, OffsetRange range)
    {
        for (var offset = range.First; offset <= range.Last; offset++)
        {
            offset = subscription.Cursor.NextUnacked(offset, range.Last + 1).First;
            if (offset > range.Last)
                return;
            if (delays.Cancelled.Contains(offset))
                subscription.Skip(new(offset, offset));
            else if (!delays.Pending.Contains(offset))
                subscription.Resume(new(new(offset, offset), default(MessageState).As(MessageStage.Released)), 0);
        }
    }
}
