namespace Comet.Client.Tests.Scheduling;

public class ScheduleTests
{
    private static readonly TimeSpan s_minute = TimeSpan.FromMinutes(1);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_message_comes_when_its_delay_is_over_and_not_before()
    {
        await using var comet = await VirtualBroker.StartAsync();
        await using var consumer = await comet.Client.SubscribeAsync<string>("t", "s", cancellationToken: Cancelled);
        await using var producer = await comet.Client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);

        var scheduled = await producer.ScheduleAsync("later", s_minute, Cancelled);
        await producer.SendAsync("now", Cancelled);

        Assert.Equal("now", (await consumer.ReceiveAsync(Cancelled)).Value);
        Assert.Equal((new MessageId("t", 0, 0), comet.Now + s_minute), (scheduled.Id, scheduled.DeliverAt));
        await comet.AdvanceAsync(s_minute - TimeSpan.FromMilliseconds(1));
        Assert.True(await comet.IsEmptyAsync(consumer));
        await comet.AdvanceAsync(TimeSpan.FromMilliseconds(1));
        var delivery = await consumer.ReceiveAsync(Cancelled);
        Assert.Equal(("later", 1, comet.Now), (delivery.Value, delivery.DeliveryCount, delivery.DeliverAt!.Value));
    }

    [Fact]
    public async Task A_time_in_the_past_means_now_and_the_writer_knows_DeliverAt_too()
    {
        await using var comet = await VirtualBroker.StartAsync();
        await using var consumer = await comet.Client.SubscribeAsync<string>("t", "s", cancellationToken: Cancelled);
        await using var producer = await comet.Client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);

        await producer.EnqueueAsync(new("later") { DeliverAt = comet.Now + s_minute }, Cancelled);
        await producer.ScheduleAsync("yesterday", comet.Now.AddDays(-1), Cancelled);
        await producer.ScheduleAsync("negative", TimeSpan.FromDays(-1), Cancelled);

        Assert.Equal("yesterday", (await consumer.ReceiveAsync(Cancelled)).Value);
        Assert.Equal("negative", (await consumer.ReceiveAsync(Cancelled)).Value);
        await comet.AdvanceAsync(s_minute);
        Assert.Equal("later", (await consumer.ReceiveAsync(Cancelled)).Value);
    }

    [Fact]
    public async Task Without_a_consumer_at_its_time_it_waits_for_one()
    {
        await using var comet = await VirtualBroker.StartAsync();
        await using (await comet.Client.SubscribeAsync<string>("t", "s", cancellationToken: Cancelled))
        {
            // The subscription stays when its consumer goes.
        }
        await using var producer = await comet.Client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        await producer.ScheduleAsync("second", 2 * s_minute, Cancelled);
        await producer.ScheduleAsync("first", s_minute, Cancelled);

        await comet.AdvanceAsync(TimeSpan.FromHours(2));
        await using var consumer = await comet.Client.SubscribeAsync<string>("t", "s", cancellationToken: Cancelled);

        Assert.Equal("first", (await consumer.ReceiveAsync(Cancelled)).Value);
        Assert.Equal("second", (await consumer.ReceiveAsync(Cancelled)).Value);
    }

    [Fact]
    public async Task It_is_cancelled_once_and_for_all_or_it_was_delivered()
    {
        await using var comet = await VirtualBroker.StartAsync();
        await using var consumer = await comet.Client.SubscribeAsync<string>("t", "s", cancellationToken: Cancelled);
        await using var producer = await comet.Client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        var cancelled = await producer.ScheduleAsync("cancelled", s_minute, Cancelled);
        var delivered = await producer.ScheduleAsync("delivered", s_minute, Cancelled);

        Assert.Equal(CancelResult.Cancelled, await cancelled.CancelAsync(Cancelled));
        Assert.Equal(CancelResult.Cancelled, await comet.Client.Schedules.CancelAsync(cancelled.Id, Cancelled));
        Assert.Equal(RescheduleResult.NotFound, await cancelled.RescheduleAsync(s_minute, Cancelled));
        await comet.AdvanceAsync(s_minute);

        Assert.Equal("delivered", (await consumer.ReceiveAsync(Cancelled)).Value);
        Assert.Equal(CancelResult.AlreadyDelivered, await delivered.CancelAsync(Cancelled));
        Assert.Equal(RescheduleResult.AlreadyDelivered, await delivered.RescheduleAsync(s_minute, Cancelled));
        Assert.Equal(CancelResult.NotFound, await comet.Client.Schedules.CancelAsync(new("t", 0, 99), Cancelled));
        Assert.True(await comet.IsEmptyAsync(consumer));
    }

    [Fact]
    public async Task It_is_moved_to_an_earlier_or_a_later_time()
    {
        await using var comet = await VirtualBroker.StartAsync();
        await using var consumer = await comet.Client.SubscribeAsync<string>("t", "s", cancellationToken: Cancelled);
        await using var producer = await comet.Client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        var early = await producer.ScheduleAsync("early", 10 * s_minute, Cancelled);
        var late = await producer.ScheduleAsync("late", 10 * s_minute, Cancelled);

        Assert.Equal(RescheduleResult.Rescheduled, await early.RescheduleAsync(s_minute, Cancelled));
        Assert.Equal(RescheduleResult.Rescheduled, await late.RescheduleAsync(comet.Now + (20 * s_minute), Cancelled));
        Assert.Equal((comet.Now + s_minute, comet.Now + (20 * s_minute)), (early.DeliverAt, late.DeliverAt));

        await comet.AdvanceAsync(s_minute);
        Assert.Equal("early", (await consumer.ReceiveAsync(Cancelled)).Value);
        await comet.AdvanceAsync(18 * s_minute);
        Assert.True(await comet.IsEmptyAsync(consumer));
        await comet.AdvanceAsync(s_minute);
        Assert.Equal("late", (await consumer.ReceiveAsync(Cancelled)).Value);
    }

    [Fact]
    public async Task By_key_and_by_time_over_all_partitions_and_more_than_a_page()
    {
        const int Count = 2_500;
        await using var comet = await VirtualBroker.StartAsync(new() { DefaultPartitionCount = 3 });
        await using var producer = await comet.Client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        var start = comet.Now;
        var scheduling = Enumerable.Range(0, Count).Select(i => producer.ScheduleAsync(
            new OutgoingMessage<string>($"{i}") { Key = $"k{i % 10}" }, TimeSpan.FromSeconds(1 + (i * 7919 % Count)), Cancelled));
        var scheduled = await Task.WhenAll(scheduling);
        var schedules = comet.Client.Schedules;

        Assert.Equal((Count, 250), (await schedules.CountAsync("t", cancellationToken: Cancelled), await schedules.CountAsync("t", "k3",
            cancellationToken: Cancelled)));
        var all = await schedules.ListAsync("t", cancellationToken: Cancelled).ToListAsync(Cancelled);
        Assert.Equal(scheduled.OrderBy(static s => s.DeliverAt).Select(static s => (s.Id, s.DeliverAt)),
            all.Select(static d => (d.Id, d.DeliverAt)));
        var (from, to) = (start + TimeSpan.FromSeconds(100), start + TimeSpan.FromSeconds(300));
        var some = await schedules.ListAsync("t", "k3", from, to, Cancelled).ToListAsync(Cancelled);
        Assert.Equal(all.Where(d => d.Key == "k3" && d.DeliverAt >= from && d.DeliverAt <= to), some);
        Assert.Equal(some.Count, await schedules.CountAsync("t", "k3", from, to, Cancelled));
        Assert.Equal(250, await schedules.CancelByKeyAsync("t", "k3", Cancelled));
        Assert.Equal(Count - 250, await schedules.CountAsync("t", cancellationToken: Cancelled));
        Assert.Equal(0, await schedules.CancelByKeyAsync("t", "k3", Cancelled));
    }

    [Fact]
    public async Task Beyond_the_limit_scheduling_waits_and_then_fails_with_the_reason()
    {
        await using var comet = await Embedded.StartAsync(new() { MaxScheduledMessages = 1 });
        var options = new ProducerOptions<string> { SendTimeout = TimeSpan.FromMilliseconds(300) };
        await using var producer = await comet.Client.CreateProducerAsync("t", options, Cancelled);
        var first = await producer.ScheduleAsync("a", s_minute, Cancelled);

        var refused = await Assert.ThrowsAsync<CometException>(() => producer.ScheduleAsync("b", s_minute, Cancelled));

        Assert.Equal(ErrorCode.Timeout, refused.Code);
        Assert.Equal(ErrorCode.ScheduleLimitReached, Assert.IsType<CometException>(refused.InnerException).Code);
        Assert.True(ErrorCode.ScheduleLimitReached.IsTransient());
        // Room for it makes it go on by itself.
        Assert.Equal(CancelResult.Cancelled, await first.CancelAsync(Cancelled));
        while (await comet.Client.Schedules.CountAsync("t", cancellationToken: Cancelled) != 1)
            await comet.Client.PingAsync(Cancelled);
    }

    [Fact]
    public async Task More_than_ten_years_are_refused_and_the_producer_goes_on()
    {
        await using var comet = await VirtualBroker.StartAsync();
        await using var producer = await comet.Client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);

        foreach (var far in (Func<Task>[])[
            () => producer.ScheduleAsync("a", TimeSpan.FromDays(3654), Cancelled),
            () => producer.ScheduleAsync("a", TimeSpan.MaxValue, Cancelled),
            () => producer.ScheduleAsync("a", DateTimeOffset.MaxValue, Cancelled)])
            Assert.Equal(ErrorCode.InvalidArgument, (await Assert.ThrowsAsync<CometException>(far)).Code);

        var scheduled = await producer.ScheduleAsync("a", TimeSpan.FromDays(3652), Cancelled);
        var moved = await Assert.ThrowsAsync<CometException>(() => scheduled.RescheduleAsync(comet.Now.AddYears(11), Cancelled));
        Assert.Equal(ErrorCode.InvalidArgument, moved.Code);
    }

    [Fact]
    public async Task Of_cancel_and_delivery_exactly_one_wins()
    {
        const int Count = 2_000;
        await using var comet = await Embedded.StartAsync();
        var receiving = new ConsumerOptions<int> { Serializer = new Int32Serializer() };
        await using var consumer = await comet.Client.SubscribeAsync("t", "s", receiving, Cancelled);
        var options = new ProducerOptions<int> { Serializer = new Int32Serializer() };
        await using var producer = await comet.Client.CreateProducerAsync("t", options, Cancelled);
        var due = TimeProvider.System.GetUtcNow() + TimeSpan.FromMilliseconds(200);
        var scheduled = await Task.WhenAll(Enumerable.Range(0, Count).Select(i => producer.ScheduleAsync(i, due.AddMicroseconds(i * 25),
            Cancelled)));

        // The cancels are sent while the messages become due.
        var left = due - TimeProvider.System.GetUtcNow();
        await Task.Delay(left > TimeSpan.Zero ? left : TimeSpan.Zero, TimeProvider.System, Cancelled);
        var results = await Task.WhenAll(scheduled.Reverse().Select(s => s.CancelAsync(Cancelled)));
        Array.Reverse(results);

        var received = new HashSet<int>();
        while (received.Count < results.Count(static r => r == CancelResult.AlreadyDelivered))
            Assert.True(received.Add((await consumer.ReceiveAsync(Cancelled)).Value));
        await comet.Client.PingAsync(Cancelled);
        Assert.False(consumer.TryReceive(out _));
        for (var i = 0; i < Count; i++)
            Assert.Equal(results[i] == CancelResult.AlreadyDelivered, received.Contains(i));
        Assert.Equal(0, await comet.Client.Schedules.CountAsync("t", cancellationToken: Cancelled));
    }

    private sealed class Int32Serializer : IMessageSerializer<int>
    {
        public void Serialize(int value, System.Buffers.IBufferWriter<byte> output)
        {
            System.Buffers.Binary.BinaryPrimitives.WriteInt32LittleEndian(output.GetSpan(4), value);
            output.Advance(4);
        }

        public int Deserialize(ReadOnlyMemory<byte> payload) => System.Buffers.Binary.BinaryPrimitives.ReadInt32LittleEndian(payload.Span);
    }
}
