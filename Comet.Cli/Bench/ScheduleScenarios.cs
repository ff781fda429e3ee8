using System.Buffers.Binary;

namespace Comet.Cli.Bench;

/// <summary>Messages that the broker holds until their time.</summary>
internal static class ScheduleScenarios
{
    private const int DuePerSecond = 5_000;

    // What is scheduled first must not be due before the last is stored.
    private static readonly TimeSpan s_lead = TimeSpan.FromSeconds(2);

    /// <summary>One producer schedules a million messages, spread over an hour that is an hour away.</summary>
    public static Task<BenchResult> ScheduleAsync(BenchContext context) =>
        context.MeasureRateAsync("schedule", context.Count(1_000_000), async (topic, count) =>
        {
            await using var producer = await context.Client.CreateProducerAsync<ReadOnlyMemory<byte>>(topic);
            var (payload, begin) = (context.Payload(), BenchContext.Time.GetUtcNow() + TimeSpan.FromHours(1));
            var start = BenchContext.Time.GetTimestamp();
            for (var i = 0L; i < count; i++)
            {
                // A large odd step visits the hour's milliseconds in no order.
                var deliverAt = begin.AddTicks(i * 1_000_003 % 3_600_000 * TimeSpan.TicksPerMillisecond);
                await producer.EnqueueAsync(new(payload) { DeliverAt = deliverAt });
            }
            await producer.FlushAsync();
            return BenchContext.Time.GetElapsedTime(start);
        });

    /// <summary>The yardstick: how late the runtime's own timers are at the same rate, one for each message.</summary>
    public static Task<BenchResult> TimerAsync(BenchContext context) => context.MeasureLatencyAsync("timer", async () =>
    {
        var times = new double[context.Count(25_000)];
        var (left, done) = (times.Length, new TaskCompletionSource());
        var start = BenchContext.Time.GetTimestamp();
        var timers = new ITimer[times.Length];
        for (var i = 0; i < times.Length; i++)
        {
            var (index, due) = (i, s_lead + DueAfter(i));
            timers[i] = BenchContext.Time.CreateTimer(_ =>
            {
                times[index] = (BenchContext.Time.GetElapsedTime(start) - due).TotalMicroseconds;
                if (Interlocked.Decrement(ref left) == 0)
                    done.TrySetResult();
            }, null, due - BenchContext.Time.GetElapsedTime(start), Timeout.InfiniteTimeSpan);
        }
        await done.Task;
        foreach (var timer in timers)
            await timer.DisposeAsync();
        return times;
    }, usesBroker: false);

    /// <summary>From the time at which a message is due until the program has it, at a steady 5,000 due a second.</summary>
    public static Task<BenchResult> DueAsync(BenchContext context) => context.MeasureLatencyAsync(
        "schedule-due",
        () => context.WithTopicAsync(async topic =>
        {
            await using var consumer = await context.Client.SubscribeAsync<ReadOnlyMemory<byte>>(topic, "bench");
            await using var producer = await context.Client.CreateProducerAsync<ReadOnlyMemory<byte>>(topic);
            var times = new double[context.Count(25_000)];
            var (payload, start) = (context.Payload(), BenchContext.Time.GetUtcNow() + s_lead);
            for (var i = 0; i < times.Length; i++)
            {
                var due = start + DueAfter(i);
                BinaryPrimitives.WriteInt64LittleEndian(payload, due.UtcTicks);
                await producer.EnqueueAsync(new(payload) { DeliverAt = due });
            }
            await producer.FlushAsync();
            var received = 0;
            await foreach (var delivery in consumer.ReadAllAsync())
            {
                var late = BenchContext.Time.GetUtcNow().UtcTicks - BinaryPrimitives.ReadInt64LittleEndian(delivery.Value.Span);
                times[received] = (double)late / TimeSpan.TicksPerMicrosecond;
                if (late < 0)
                    throw new InvalidDataException($"A message came {-late / TimeSpan.TicksPerMicrosecond} µs before it was due.");
                await delivery.AckAsync();
                if (++received == times.Length)
                    break;
            }
            return times;
        }));

    private static TimeSpan DueAfter(int index) => TimeSpan.FromMicroseconds(index * (1_000_000L / DuePerSecond));
}
