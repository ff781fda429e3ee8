using Comet.Server.Storage.Local;

namespace Comet.Server.Tests.Storage.Local;

public sealed class DiskThreadsTests
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task What_waits_for_a_slow_file_does_not_stop_the_rest()
    {
        using var threads = new DiskThreads();
        using var held = new ManualResetEventSlim();
        using var holding = new CountdownEvent(DiskThreads.Most - 1);
        for (var i = 0; i < DiskThreads.Most - 1; i++)
        {
            threads.Run(() =>
            {
                holding.Signal();
                held.Wait(s_limit);
            });
        }
        Assert.True(holding.Wait(s_limit));
        for (var i = 0; i < 100; i++)
        {
            var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            threads.Run(done.SetResult);
            await done.Task.WaitAsync(s_limit);
        }
        held.Set();
    }

    [Fact]
    public async Task There_are_no_more_than_so_many_and_all_that_is_asked_for_is_done_once()
    {
        const int Works = 2_000;
        using var threads = new DiskThreads(3);
        var (inside, most, left) = (0, 0, Works);
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            for (var i = 0; i < Works / 4; i++)
            {
                threads.Run(() =>
                {
                    var now = Interlocked.Increment(ref inside);
                    InterlockedMax(ref most, now);
                    Interlocked.Decrement(ref inside);
                    if (Interlocked.Decrement(ref left) == 0)
                        done.SetResult();
                });
            }
        })));
        await done.Task.WaitAsync(s_limit);
        Assert.InRange(most, 1, 3);
    }

    [Fact]
    public async Task What_closes_files_goes_before_what_waits_to_open_them()
    {
        using var threads = new DiskThreads(1);
        using var held = new ManualResetEventSlim();
        var order = new List<int>();
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        threads.Run(() => held.Wait(s_limit));
        threads.Run(() => order.Add(2));
        threads.Run(() => order.Add(3));
        threads.Run(() => order.Add(1), isFirst: true);
        threads.Run(done.SetResult);
        held.Set();
        await done.Task.WaitAsync(s_limit);
        Assert.Equal([1, 2, 3], order);
    }

    [Fact]
    public async Task What_was_asked_for_before_the_end_is_still_done()
    {
        var threads = new DiskThreads(1);
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var held = new ManualResetEventSlim();
        threads.Run(() => held.Wait(s_limit));
        threads.Run(done.SetResult);
        threads.Dispose();
        held.Set();
        await done.Task.WaitAsync(s_limit);
    }

    private static void InterlockedMax(ref int target, int value)
    {
        for (var seen = Volatile.Read(ref target); value > seen;)
        {
            var before = Interlocked.CompareExchange(ref target, value, seen);
            if (before == seen)
                return;
            seen = before;
        }
    }
}
