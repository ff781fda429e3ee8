using Comet.Client.Connections;
using Comet.Wire;

namespace Comet.Client.Scheduling;

/// <summary>The scheduled messages of one partition, page by page.</summary>
internal sealed class ScheduledPartition(Link link, ListScheduledFrame first)
{
    private const int PageSize = 500;

    private ListScheduledFrame _request = first with { Limit = PageSize };
    private IReadOnlyList<ScheduledEntry> _page = [];
    private int _next;
    private bool _isLast;

    public ScheduledEntry Current { get; private set; }

    public async ValueTask<bool> MoveNextAsync(CancellationToken cancellationToken)
    {
        if (_next == _page.Count && !_isLast)
        {
            _page = (await link.RequestAsync<ListScheduledFrame, ScheduledPageFrame>(_request, null,
                cancellationToken)).Messages;
            (_next, _isLast) = (0, _page.Count < PageSize);
            if (_page.Count > 0)
                _request = _request with { AfterDue = _page[^1].DeliverAt, AfterOffset = _page[^1].Offset };
        }
        if (_next == _page.Count)
            return false;
        Current = _page[_next++];
        return true;
    }
}
