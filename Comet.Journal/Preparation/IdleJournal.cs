using Comet.Journals.Background;
using Comet.Journals.Control;

namespace Comet.Journals.Preparation;

/// <summary>Lets the memory of a journal's active segment go when nothing has been appended for some seconds. Its writers and readers keep
/// the mapping: what they touch next comes back.</summary>
internal sealed unsafe class IdleJournal(JournalState state, IBackgroundQueue background) : IBackgroundWork
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private ulong _tail;
    private int _queued;

    /// <summary>The journal is quiet with this tail: it is looked at again in a while.</summary>
    public void Watch(ulong tail)
    {
        Volatile.Write(ref _tail, tail);
        if (Interlocked.Exchange(ref _queued, 1) == 0)
            background.QueueAfter(this, Patience);
    }

    public void Run()
    {
        Interlocked.Exchange(ref _queued, 0);
        if (!state.TryKeep())
            return;

        try
        {
            if (Volatile.Read(ref *state.Control!.Tail) == Volatile.Read(ref _tail))
                LetGo();
        }
        finally
        {
            state.Release();
        }
    }

    private void LetGo()
    {
        try
        {
            var segment = state.Roller!.Active();
            segment.Pages!.Forget();
            segment.Release();
            state.Segments.Preparer.Rest();
            state.Segments.Resting.Clear();
        }
        catch (JournalException)
        {
            // It stays as it is; whoever appends next is told what is wrong.
        }
    }
}
