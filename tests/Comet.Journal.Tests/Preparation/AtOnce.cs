using Comet.Journals.Background;

namespace Comet.Journals.Tests.Preparation;

/// <summary>Does work where it is asked for.</summary>
internal sealed class AtOnce : IBackgroundQueue
{
    public void Queue(IBackgroundWork work) => work.Run();

    public void QueueAfter(IBackgroundWork work, TimeSpan delay) => throw new NotSupportedException();
}
