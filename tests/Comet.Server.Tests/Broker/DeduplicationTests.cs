using Comet.Server.Broker;
using Comet.Wire;
using CsCheck;

namespace Comet.Server.Tests.Broker;

public sealed class DeduplicationTests
{
    private const long Hour = 3600L * 1_000_000;

    [Fact]
    public void A_duplicate_far_beyond_the_remembered_batches_is_confirmed_with_its_offset_while_the_log_has_it()
    {
        using var rig = new PartitionRig();
        var (producer, peer) = Attach(rig, "p");
        var others = Attach(rig, "others").Producer;
        var offsets = new List<long>();
        for (var i = 0; i < 3_000; i++)
        {
            offsets.Add(rig.Log.EndOffset);
            rig.Publish(producer, Batches.Make("p", i * 2, 2));
            rig.Publish(others, Batches.Make("others", i * 3, 3));
        }
        peer.TakeAll();
        foreach (var i in (int[])[0, 1, 31, 32, 33, 1_000, 2_967, 2_968, 2_999])
        {
            rig.Publish(producer, Batches.Make("p", i * 2, 2));
            Assert.Equal(new PublishedFrame(producer.Id, i * 2, offsets[i], 2, Durability.Disk, true), peer.Single<PublishedFrame>());
        }
    }

    [Fact]
    public void A_duplicate_that_was_cut_into_other_batches_the_first_time_is_found_when_it_stands_together()
    {
        using var rig = new PartitionRig();
        var (producer, peer) = Attach(rig, "p");
        rig.Publish(producer, Batches.Make("p", 0, 3));
        rig.Publish(producer, Batches.Make("p", 3, 3));
        rig.Fill(5);
        rig.Publish(producer, Batches.Make("p", 6, 3));
        peer.TakeAll();
        rig.Publish(producer, Batches.Make("p", 1, 4));
        Assert.Equal(1, peer.Single<PublishedFrame>().BaseOffset);
        // Others stand between these, so that one offset cannot tell where they are.
        rig.Publish(producer, Batches.Make("p", 4, 4));
        Assert.Equal((-1, true), peer.Single<PublishedFrame>() is var answer ? (answer.BaseOffset, answer.Duplicate) : default);
    }

    [Fact]
    public void A_duplicate_that_the_log_has_no_more_is_confirmed_without_an_offset()
    {
        using var rig = new PartitionRig();
        var (producer, peer) = Attach(rig, "p");
        for (var i = 0; i <= ProducerMemory.RememberedBatches; i++)
            rig.Publish(producer, Batches.Make("p", i * 3, 3));
        rig.Do(new(CommandKind.Trim));
        peer.TakeAll();
        rig.Publish(producer, Batches.Make("p", 0, 3));
        Assert.Equal(new PublishedFrame(producer.Id, 0, -1, 3, Durability.Disk, true), peer.Single<PublishedFrame>());
        rig.Publish(producer, Batches.Make("p", 3, 3));
        Assert.Equal(3, peer.Single<PublishedFrame>().BaseOffset);
    }

    [Fact]
    public void Ids_with_gaps_are_taken_in_their_order_and_what_was_refused_is_not_overtaken()
    {
        using var rig = new PartitionRig();
        var (producer, peer) = Attach(rig, "p");
        Assert.Equal(0, Publish(rig, producer, 100, follows: 1));
        Assert.Equal(1, Publish(rig, producer, 250, follows: 102));
        rig.Log.IsFull = true;
        Assert.Equal(ErrorCode.StorageFull, PublishRefused(rig, producer, 300, follows: 252));
        rig.Log.IsFull = false;
        Assert.Equal(ErrorCode.SequenceOutOfOrder, PublishRefused(rig, producer, 400, follows: 302));
        Assert.Equal(2, Publish(rig, producer, 300, follows: 252));
        Assert.Equal(3, Publish(rig, producer, 400, follows: 302));
        Assert.Equal(ErrorCode.SequenceOutOfOrder, PublishRefused(rig, producer, 500, follows: 0));
        Assert.Equal(1, Publish(rig, producer, 250, follows: 102));
        Assert.Equal(4, rig.Log.EndOffset);
        Assert.Empty(peer.Sent);
    }

    [Fact]
    public void What_an_earlier_producer_of_the_name_was_refused_does_not_bind_the_next()
    {
        using var rig = new PartitionRig();
        var (producer, _) = Attach(rig, "p");
        Publish(rig, producer, 10, follows: 1);
        rig.Log.IsFull = true;
        PublishRefused(rig, producer, 30, follows: 12);
        rig.Log.IsFull = false;
        rig.Detach(producer);
        (producer, _) = Attach(rig, "p");
        Assert.Equal(1, Publish(rig, producer, 11, follows: 0));
    }

    [Fact]
    public void A_name_is_remembered_for_its_time_and_then_forgotten()
    {
        using var rig = new PartitionRig(new PartitionSettings { ProducerMemoryTtl = Hour });
        var (producer, _) = Attach(rig, "p");
        rig.Publish(producer, Batches.Make("p", 0, 5));
        // While it is attached it is not forgotten, however long it is silent.
        rig.Now += 10 * Hour;
        rig.Detach(producer);
        rig.Now += Hour;
        (producer, _) = Attach(rig, "p", expected: 4);
        rig.Detach(producer);
        rig.Now += Hour + 1;
        Attach(rig, "p", expected: -1);
    }

    [Fact]
    public void Forgetting_one_of_many_names_does_not_walk_over_all()
    {
        var table = new ProducerTable(maxRemembered: 50_000, ttl: Hour);
        for (var i = 0; i < 150_000; i++)
        {
            var producer = new Producer(new FakePeer(), i, $"p{i}", ProducerAccessMode.Shared, null);
            table.Attach(producer, 0, i);
            table.Detach(producer, i);
        }
        Assert.Null(table.Find("p99999"));
        Assert.NotNull(table.Find("p100000"));
    }

    /// <summary>What issue 5 needs: the batches name their producers, so the log alone gives the table again.</summary>
    [Fact]
    [Cases(1_000)]
    public void The_log_gives_the_same_table_again() =>
        Gen.Select(Gen.Int[0, 3], Gen.Int[1, 5], Gen.Int[0, 9]).List[1, 150].Sample(steps =>
        {
            using var rig = new PartitionRig();
            var producers = Enumerable.Range(0, 4).Select(i => Attach(rig, $"p{i}").Producer).ToArray();
            var next = new long[4];
            foreach (var (who, count, gap) in steps)
            {
                var first = next[who] + (gap > 6 ? gap : 0);
                rig.Now += 10;
                rig.Do(Command(producers[who], first, count, next[who] + 1));
                next[who] = first + count;
            }
            var recovered = new ProducerTable(1000, Hour);
            Recover(recovered, rig, rig.Now);
            for (var who = 0; who < 4; who++)
                AssertSame(rig, $"p{who}", next[who], recovered);
        }, iter: Cases.OfThisTest);

    [Fact]
    public void Recovering_keeps_to_the_limits_of_number_and_time()
    {
        using var rig = new PartitionRig();
        for (var i = 0; i < 5; i++)
        {
            rig.Now = i * Hour;
            rig.Publish(Attach(rig, $"p{i}").Producer, Batches.Make($"p{i}", 0, 1));
        }
        var recovered = new ProducerTable(maxRemembered: 3, ttl: 2 * Hour);
        Recover(recovered, rig, 5 * Hour);
        Assert.Equal(["p3", "p4"], Enumerable.Range(0, 5).Select(static i => $"p{i}").Where(n => recovered.Find(n) is not null));
        recovered = new ProducerTable(maxRemembered: 3, ttl: 100 * Hour);
        Recover(recovered, rig, 5 * Hour);
        Assert.Equal(["p2", "p3", "p4"], Enumerable.Range(0, 5).Select(static i => $"p{i}").Where(n => recovered.Find(n) is not null));
    }

    private static void Recover(ProducerTable table, PartitionRig rig, long now)
    {
        for (var at = rig.Log.StartOffset; rig.Log.TryRead(at, out var batch); at = batch.LastOffset + 1)
            table.Recover(batch);
        table.Recovered(now);
    }

    private static void AssertSame(PartitionRig rig, string name, long end, ProducerTable recovered)
    {
        var (live, again) = (rig.Partition.Producers.Find(name)!, recovered.Find(name));
        if (live.LastSequence < 0)
        {
            Assert.Null(again);
            return;
        }
        Assert.Equal((live.LastSequence, live.NextSequence), (again!.LastSequence, again.NextSequence));
        for (var sequence = 0; sequence < end; sequence++)
            Assert.Equal(live.FindOffset(sequence, 1, rig.Log), again.FindOffset(sequence, 1, rig.Log));
    }

    private static PartitionCommand Command(Producer producer, long sequence, int count, long follows)
    {
        var batch = Batches.Make(producer.Name, sequence, count);
        return new(CommandKind.Publish) { Producer = producer, Batch = batch, Header = RecordBatch.Open(batch), Number = follows };
    }

    private static long Publish(PartitionRig rig, Producer producer, long sequence, long follows)
    {
        rig.Do(Command(producer, sequence, 1, follows));
        return ((FakePeer)producer.Peer).Single<PublishedFrame>().BaseOffset;
    }

    private static ErrorCode PublishRefused(PartitionRig rig, Producer producer, long sequence, long follows)
    {
        rig.Do(Command(producer, sequence, 1, follows));
        return ((FakePeer)producer.Peer).Single<ErrorFrame>().Code;
    }

    private static (Producer Producer, FakePeer Peer) Attach(PartitionRig rig, string name, long? expected = null)
    {
        var producer = rig.Attach(name);
        var peer = (FakePeer)producer.Peer;
        var ready = peer.Single<ProducerReadyFrame>();
        Assert.Equal(expected ?? ready.LastSequenceId, ready.LastSequenceId);
        return (producer, peer);
    }
}
