using System.Reactive.Concurrency;
using System.Reactive.Linq;
using Microsoft.Extensions.Time.Testing;

namespace Comet.Client.Rx.Tests;

public class TimeProviderSchedulerTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly List<string> _seen = [];

    [Fact]
    public void Everything_that_operators_schedule_runs_on_the_time_of_the_provider()
    {
        var scheduler = _time.AsScheduler();
        using var interval = Observable.Interval(TimeSpan.FromDays(1), scheduler).Subscribe(i => _seen.Add($"interval {i}"));
        using var timer = Observable.Timer(_time.GetUtcNow().AddDays(2.5), scheduler).Subscribe(_ => _seen.Add("timer"));
        using var delayed = Observable.Return(1).Delay(TimeSpan.FromDays(1.5), scheduler).Subscribe(_ => _seen.Add("delayed"));
        for (var i = 0; i < 6; i++)
            _time.Advance(TimeSpan.FromDays(0.5));
        Assert.Equal(["interval 0", "delayed", "interval 1", "timer", "interval 2"], _seen);
        Assert.Equal(_time.GetUtcNow(), scheduler.Now);
    }

    [Fact]
    public void What_is_disposed_before_its_time_does_not_run()
    {
        var scheduler = _time.AsScheduler();
        var handle = scheduler.Schedule(TimeSpan.FromSeconds(1), () => _seen.Add("late"));
        var periodic = Observable.Interval(TimeSpan.FromSeconds(1), scheduler).Subscribe(i => _seen.Add($"{i}"));
        handle.Dispose();
        periodic.Dispose();
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.Empty(_seen);
    }
}
