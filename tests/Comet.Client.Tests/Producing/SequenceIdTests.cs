using Comet.Client.Tests.Scripted;

namespace Comet.Client.Tests.Producing;

public class SequenceIdTests
{
    private static readonly ProducerOptions<string> s_import = new() { ProducerName = "import" };

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_source_with_positions_is_published_exactly_once_over_restarts_that_send_too_much()
    {
        await using var comet = await Embedded.StartAsync();
        var positions = Enumerable.Range(0, 300).Select(static i => (long)((i * 3) + (i % 7))).Distinct().Order().ToArray();
        var (random, done) = (new Random(11), 0);
        while (done < positions.Length)
        {
            await using var producer = await comet.Client.CreateProducerAsync("t", s_import, Cancelled);
            Assert.Equal(done == 0 ? -1 : positions[done - 1], producer.LastSequenceId);
            // A program that forgot how far it was begins a good deal earlier.
            var from = Math.Max(0, done - random.Next(40));
            done = Math.Min(positions.Length, done + random.Next(1, 60));
            for (var i = from; i < done; i++)
                await producer.EnqueueAsync(new($"{positions[i]}") { SequenceId = positions[i] }, Cancelled);
            await producer.FlushAsync(Cancelled);
            Assert.Equal(positions[done - 1], producer.LastSequenceId);
        }
        Assert.Equal(positions.Select(static p => $"{p}"), await Eventually.ReadTopicAsync(comet.Client, "t"));
    }

    [Fact]
    public async Task A_copy_is_confirmed_with_the_id_of_the_first_in_this_session_and_the_next()
    {
        await using var comet = await Embedded.StartAsync();
        MessageId second;
        await using (var producer = await comet.Client.CreateProducerAsync("t", s_import, Cancelled))
        {
            await producer.SendAsync(new OutgoingMessage<string>("a") { SequenceId = 5 }, Cancelled);
            second = await producer.SendAsync(new OutgoingMessage<string>("b") { SequenceId = 9 }, Cancelled);
            await producer.SendAsync(new OutgoingMessage<string>("c") { SequenceId = 10 }, Cancelled);
            Assert.Equal(second, await producer.SendAsync(new OutgoingMessage<string>("b") { SequenceId = 9 }, Cancelled));
        }
        await using var again = await comet.Client.CreateProducerAsync("t", s_import, Cancelled);
        Assert.Equal(10, again.LastSequenceId);
        Assert.Equal(second, await again.SendAsync(new OutgoingMessage<string>("b") { SequenceId = 9 }, Cancelled));
        Assert.Equal(3, (await again.SendAsync(new OutgoingMessage<string>("d") { SequenceId = 11 }, Cancelled)).Offset);
        Assert.Equal(["a", "b", "c", "d"], await Eventually.ReadTopicAsync(comet.Client, "t"));
    }

    [Fact]
    public async Task A_message_without_an_id_gets_the_one_after_the_last()
    {
        await using var comet = await Embedded.StartAsync();
        await using var producer = await comet.Client.CreateProducerAsync("t", s_import, Cancelled);
        await producer.SendAsync(new OutgoingMessage<string>("a") { SequenceId = 100 }, Cancelled);
        await producer.SendAsync("b", Cancelled);
        Assert.Equal(101, producer.GetLastSequenceId(0));
        await producer.SendAsync(new OutgoingMessage<string>("again") { SequenceId = 100 }, Cancelled);
        await producer.SendAsync("c", Cancelled);
        Assert.Equal(102, producer.GetLastSequenceId(0));
        Assert.Equal(["a", "b", "c"], await Eventually.ReadTopicAsync(comet.Client, "t"));
    }

    [Fact]
    public async Task With_several_partitions_an_id_needs_a_key_so_that_a_copy_comes_to_the_same_one()
    {
        await using var comet = await Embedded.StartAsync(new() { DefaultPartitionCount = 3 });
        await using var producer = await comet.Client.CreateProducerAsync("t", s_import, Cancelled);
        var refused = await Assert.ThrowsAsync<CometException>(
            async () => await producer.SendAsync(new OutgoingMessage<string>("a") { SequenceId = 1 }, Cancelled));
        Assert.Equal(ErrorCode.InvalidArgument, refused.Code);
        for (var round = 0; round < 2; round++)
        {
            for (var i = 0; i < 50; i++)
                await producer.SendAsync(new OutgoingMessage<string>($"{i}") { SequenceId = i, Key = $"k{i % 9}" }, Cancelled);
        }
        Assert.Equal(Enumerable.Range(0, 50), (await Eventually.ReadTopicAsync(comet.Client, "t")).Select(int.Parse).Order());
        Assert.Equal(Enumerable.Range(0, 3).Min(producer.GetLastSequenceId), producer.LastSequenceId);
    }

    [Fact]
    public async Task A_negative_id_is_refused()
    {
        await using var comet = await Embedded.StartAsync();
        await using var producer = await comet.Client.CreateProducerAsync("t", s_import, Cancelled);
        var refused = await Assert.ThrowsAsync<CometException>(
            async () => await producer.SendAsync(new OutgoingMessage<string>("a") { SequenceId = -1 }, Cancelled));
        Assert.Equal(ErrorCode.InvalidArgument, refused.Code);
        Assert.Throws<ArgumentOutOfRangeException>(() => producer.GetLastSequenceId(1));
    }

    [Fact]
    public async Task Gaps_under_load_lose_nothing_and_store_nothing_twice_over_cut_connections()
    {
        const int Count = 5_000;
        await using var stage = await Stage.StartAsync();
        await using var producer = await stage.Client.CreateProducerAsync("t", s_import, Cancelled);
        for (var i = 0; i < Count; i++)
        {
            await producer.EnqueueAsync(new($"{i}") { SequenceId = (i * 2) + (i / 10 % 2) }, Cancelled);
            if (i % 700 == 699)
                await stage.Network.CutAsync();
        }
        await producer.FlushAsync(Cancelled);
        Assert.Equal(Enumerable.Range(0, Count).Select(static i => $"{i}"), await Eventually.ReadTopicAsync(stage.Observer, "t"));
    }

    [Fact]
    public async Task Of_two_producers_of_one_name_the_newer_one_has_it_and_the_older_one_is_faulted()
    {
        await using var comet = await Embedded.StartAsync();
        await using var older = await comet.Client.CreateProducerAsync("t", s_import, Cancelled);
        await older.SendAsync("a", Cancelled);
        await using var newer = await comet.Client.CreateProducerAsync("t", s_import, Cancelled);
        await older.State.WaitForAsync(ProducerState.Faulted, Cancelled);
        var refused = await Assert.ThrowsAsync<CometException>(async () => await older.SendAsync("b", Cancelled));
        Assert.Equal(ErrorCode.ProducerFenced, refused.Code);
        Assert.Equal(0, newer.LastSequenceId);
        await newer.SendAsync("c", Cancelled);
        Assert.Equal(["a", "c"], await Eventually.ReadTopicAsync(comet.Client, "t"));
    }
}
