using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;

namespace Comet.Journals.Maintenance;

/// <summary>Tells whoever wants to know what happens to segments: on the thread pool, one after the other, in order, so that no append and
/// no background work waits for it.</summary>
internal sealed class JournalEvents(Action<JournalEvent>? handler) : IThreadPoolWorkItem
{
    private readonly Lock _gate = new();
    private readonly Queue<JournalEvent> _waiting = new();
    private bool _runs;

    /// <summary>For nobody.</summary>
    public static JournalEvents None { get; } = new(null);

    public void Raise(JournalEvent what)
    {
        if (handler is null)
            return;

        lock (_gate)
        {
            _waiting.Enqueue(what);
            if (_runs)
                return;
            _runs = true;
        }

        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    void IThreadPoolWorkItem.Execute()
    {
        while (Next() is { } what)
            Tell(what);
    }

    private JournalEvent? Next()
    {
        lock (_gate)
        {
            _runs = _waiting.TryDequeue(out var what);
            return what;
        }
    }

    [SuppressMessage("Design", "CA1031", Justification = "What a handler throws harms neither the journal nor those that come after.")]
    private void Tell(JournalEvent what)
    {
        try
        {
            handler!(what);
        }
        catch (Exception failed)
        {
            Trace.TraceError($"A handler of {nameof(JournalOptions)}.{nameof(JournalOptions.EventOccurred)} failed: {failed}");
        }
    }
}
