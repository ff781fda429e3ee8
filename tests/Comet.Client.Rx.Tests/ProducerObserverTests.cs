using System.Reactive.Linq;
using System.Reactive.Subjects;
using Comet.Client.Rx.Bridging;
using Comet.Client.Tests;
using Comet.Client.Tests.Scripted;

namespace Comet.Client.Rx.Tests;

public class ProducerObserverTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(OverflowPolicy.DropOldest, new[] { "0", "6", "7" }, 5)]
    [InlineData(OverflowPolicy.DropNewest, new[] { "0", "1", "2", "3" }, 4)]
    [InlineData(OverflowPolicy.Latest, new[] { "0", "7" }, 5)]
    public async Task A_full_buffer_drops_what_its_policy_says_and_counts_it(OverflowPolicy policy, string[] kept, long atLeastDropped)
    {
        await using var stage = await Stage.StartAsync();
        await using var producer = await FullProducerAsync(stage);
        using var observer = producer.AsObserver(policy, capacity: 2);
        for (var i = 1; i < 8; i++)
            observer.OnNext($"{i}");
        observer.OnCompleted();
        Assert.False(observer.Completion.IsCompleted);
        var dropped = observer.DroppedCount;
        Assert.InRange(dropped, atLeastDropped - 1, 7);

        stage.Network.Answers.Open();
        await observer.Completion.WaitAsync(Cancelled);

        var stored = await Eventually.ReadTopicAsync(stage.Observer, "t");
        Assert.Equal(8 - dropped, stored.Count);
        // One more is kept when the sending loop has it in its hands already.
        Assert.Superset(policy == OverflowPolicy.DropNewest ? ["0", "1", "2"] : kept.ToHashSet(), stored.ToHashSet());
        Assert.Equal(stored.Order(StringComparer.Ordinal), stored);
    }

    [Fact]
    public async Task Fail_throws_BufferFull_and_leaves_the_decision_to_the_source()
    {
        await using var stage = await Stage.StartAsync();
        await using var producer = await FullProducerAsync(stage);
        using var observer = producer.AsObserver(OverflowPolicy.Fail, capacity: 2);
        var taken = 0;
        var refused = Assert.Throws<CometException>(() =>
        {
            for (; taken < 10; taken++)
                observer.OnNext($"{taken + 1}");
        });
        Assert.Equal(ErrorCode.BufferFull, refused.Code);
        Assert.InRange(taken, 2, 3);
        stage.Network.Answers.Open();
        observer.OnCompleted();
        await observer.Completion.WaitAsync(Cancelled);
        Assert.Equal(Enumerable.Range(0, taken + 1).Select(static i => $"{i}"), await Eventually.ReadTopicAsync(stage.Observer, "t"));
        Assert.Equal(0, observer.DroppedCount);
    }

    [Fact]
    public async Task Wait_holds_the_source_and_loses_nothing()
    {
        await using var stage = await Stage.StartAsync();
        await using var producer = await FullProducerAsync(stage);
        using var observer = producer.AsObserver(OverflowPolicy.Wait, capacity: 2);
        var given = 0;
        var source = Task.Run(
            () =>
            {
                for (var i = 1; i < 100; i++)
                {
                    observer.OnNext($"{i}");
                    Interlocked.Increment(ref given);
                }
                observer.OnCompleted();
            },
            Cancelled);
        await stage.Observer.PingAsync(Cancelled);
        Assert.InRange(Volatile.Read(ref given), 0, 3);
        Assert.False(source.IsCompleted);
        stage.Network.Answers.Open();
        await source;
        await observer.Completion.WaitAsync(Cancelled);
        Assert.Equal(Enumerable.Range(0, 100).Select(static i => $"{i}"), await Eventually.ReadTopicAsync(stage.Observer, "t"));
    }

    [Fact]
    public async Task Disposing_lets_go_of_a_source_that_waits()
    {
        await using var stage = await Stage.StartAsync();
        await using var producer = await FullProducerAsync(stage);
        var observer = producer.AsObserver(OverflowPolicy.Wait, capacity: 1);
        var source = Task.Run(
            () =>
            {
                for (var i = 1; i < 100; i++)
                    observer.OnNext($"{i}");
            },
            Cancelled);
        observer.Dispose();
        await source;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => observer.Completion);
        stage.Network.Answers.Open();
    }

    [Fact]
    public async Task PublishTo_completes_when_everything_is_confirmed()
    {
        await using var comet = await Embedded.StartAsync();
        await using var producer = await comet.Client.CreateProducerAsync("t",
            new ProducerOptions<string> { MaxPendingMessages = 10 }, Cancelled);
        using var publication = Observable.Range(0, 1_000).Select(static i => $"{i}").PublishTo(producer, capacity: 10);
        await publication.Completion.WaitAsync(Cancelled);
        Assert.Equal((0, 0), (producer.PendingMessages, publication.DroppedCount));
        Assert.Equal(Enumerable.Range(0, 1_000).Select(static i => $"{i}"), await Eventually.ReadTopicAsync(comet.Client, "t"));
    }

    [Fact]
    public async Task PublishTo_faults_with_the_sources_error_behind_what_it_gave()
    {
        await using var comet = await Embedded.StartAsync();
        await using var producer = await comet.Client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        using var publication = Observable.Return("a").Concat(Observable.Throw<string>(new InvalidOperationException("over")))
            .PublishTo(producer);
        await Assert.ThrowsAsync<InvalidOperationException>(() => publication.Completion);
        Assert.Equal(["a"], await Eventually.ReadTopicAsync(comet.Client, "t"));
    }

    [Fact]
    public async Task Disposing_a_publication_unsubscribes_and_cancels_its_completion()
    {
        await using var comet = await Embedded.StartAsync();
        await using var producer = await comet.Client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        using var source = new Subject<string>();
        var publication = source.PublishTo(producer);
        source.OnNext("a");
        publication.Dispose();
        Assert.False(source.HasObservers);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => publication.Completion);
        await producer.FlushAsync(Cancelled);
        Assert.Equal(["a"], await Eventually.ReadTopicAsync(comet.Client, "t"));
    }

    [Fact]
    public async Task PublishToAsync_sends_a_stream_and_returns_when_it_is_confirmed()
    {
        await using var comet = await Embedded.StartAsync();
        await using var producer = await comet.Client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        await Enumerable.Range(0, 500).Select(static i => $"{i}").ToAsyncEnumerable().PublishToAsync(producer, Cancelled);
        Assert.Equal(500, (await Eventually.ReadTopicAsync(comet.Client, "t")).Count);
    }

    [Fact]
    public async Task A_faulted_producer_faults_the_observer()
    {
        await using var comet = await Embedded.StartAsync();
        await using var producer = await comet.Client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        using var observer = producer.AsObserver();
        await comet.Client.Topics.DeleteAsync("t", Cancelled);
        await producer.State.WaitForAsync(ProducerState.Faulted, Cancelled);
        Assert.Equal(ErrorCode.TopicDeleted, Assert.Throws<CometException>(() => observer.OnNext("a")).Code);
        observer.OnCompleted();
        Assert.Equal(ErrorCode.TopicDeleted, (await Assert.ThrowsAsync<CometException>(() => observer.Completion)).Code);
    }

    [Fact]
    public void A_buffer_is_complete_only_when_it_is_empty_too()
    {
        var buffer = new OverflowBuffer<string>(OverflowPolicy.Wait, 10);
        Assert.True(buffer.Add("last"));
        buffer.Complete(null);
        Assert.False(buffer.IsComplete);
        Assert.True(buffer.TryPeek(out _));
        buffer.Remove();
        Assert.True(buffer.IsComplete);
        Assert.False(buffer.Add("later"));
    }

    /// <summary>A producer whose window of one message is full with "0", and stays so until the answers are let through.</summary>
    private static async Task<Producer<string>> FullProducerAsync(Stage stage)
    {
        var producer = await stage.Client.CreateProducerAsync("t", new ProducerOptions<string> { MaxPendingMessages = 1 }, Cancelled);
        stage.Network.Answers.Close();
        Assert.True(producer.Writer.TryWrite("0"));
        return producer;
    }
}
