using Comet.Server.Broker;
using Comet.Wire;
using CsCheck;

namespace Comet.Server.Tests.Broker;

public sealed class PublishTests
{
    // Messages of another producer that lie before, so that offsets and sequence ids differ.
    private const int Others = 7;

    [Fact]
    public void A_batch_is_confirmed_with_its_offsets()
    {
        using var rig = new PartitionRig();
        var (producer, peer) = Attach(rig);
        rig.Publish(producer, Batches.Make("p", 0, 3));
        rig.Publish(producer, Batches.Make("p", 3, 2));
        Assert.Equal(
            [new(producer.Id, 0, 0, 3, Durability.Disk, false), new(producer.Id, 3, 3, 2, Durability.Disk, false)],
            peer.Take<PublishedFrame>());
    }

    [Fact]
    public void A_duplicate_is_confirmed_with_the_offsets_of_the_first_and_not_stored()
    {
        using var rig = new PartitionRig();
        var (producer, peer) = Attach(rig);
        rig.Fill(5);
        rig.Publish(producer, Batches.Make("p", 0, 3));
        rig.Publish(producer, Batches.Make("p", 3, 3));
        peer.TakeAll();
        rig.Publish(producer, Batches.Make("p", 0, 3));
        Assert.Equal(new PublishedFrame(producer.Id, 0, 5, 3, Durability.Disk, true), peer.Single<PublishedFrame>());
        Assert.Equal(11, rig.Log.EndOffset);
    }

    [Theory]
    [InlineData(7, 3)]
    [InlineData(4, 3)]
    [InlineData(-1, 3)]
    [InlineData(long.MaxValue - 1, 3)]
    public void A_batch_that_leaves_a_gap_or_overlaps_is_refused(long baseSequence, int count)
    {
        using var rig = new PartitionRig();
        var (producer, peer) = Attach(rig);
        rig.Publish(producer, Batches.Make("p", 0, 6));
        peer.TakeAll();
        rig.Publish(producer, Batches.Make("p", baseSequence, count));
        Assert.Equal(ErrorCode.SequenceOutOfOrder, peer.Single<ErrorFrame>().Code);
        Assert.Equal(6, rig.Log.EndOffset);
    }

    [Fact]
    public void A_producer_that_is_detached_is_refused()
    {
        using var rig = new PartitionRig();
        var (producer, peer) = Attach(rig);
        rig.Detach(producer);
        peer.TakeAll();
        rig.Publish(producer, Batches.Make("p", 0, 1));
        Assert.Equal(ErrorCode.ProducerNotFound, peer.Single<ErrorFrame>().Code);
    }

    [Fact]
    public void A_confirm_waits_until_the_log_is_durable_and_consumers_do_too()
    {
        using var rig = new PartitionRig { Commits = false };
        rig.Log.HoldsCommits = true;
        var (producer, peer) = Attach(rig);
        var consumer = rig.Subscribe("c");
        rig.Permit(consumer, 100);
        rig.Publish(producer, Batches.Make("p", 0, 3));
        var committing = rig.Partition.CommitAsync(CancellationToken.None).AsTask();
        Assert.Empty(peer.Sent);
        Assert.Empty(PartitionRig.TakeDelivered(consumer));
        rig.Log.ReleaseCommit();
        Assert.True(committing.IsCompletedSuccessfully);
        rig.Do(new(CommandKind.Committed));
        peer.Single<PublishedFrame>();
        Assert.Equal(3, PartitionRig.TakeDelivered(consumer).Count);
    }

    [Fact]
    public void A_duplicate_is_not_confirmed_before_the_first_is_durable()
    {
        using var rig = new PartitionRig { Commits = false };
        rig.Log.HoldsCommits = true;
        var (older, _) = Attach(rig);
        rig.Publish(older, Batches.Make("p", 0, 3));
        _ = rig.Partition.CommitAsync(CancellationToken.None).AsTask();
        var (newer, peer) = Attach(rig);
        rig.Publish(newer, Batches.Make("p", 0, 3));
        Assert.Empty(peer.Sent);
        rig.Log.ReleaseCommit();
        rig.Do(new(CommandKind.Committed));
        Assert.Equal(new PublishedFrame(newer.Id, 0, 0, 3, Durability.Disk, true), peer.Single<PublishedFrame>());
    }

    [Fact]
    public void A_first_batch_that_is_refused_can_be_sent_again_and_nothing_overtakes_it()
    {
        using var rig = new PartitionRig();
        var (producer, peer) = Attach(rig);
        rig.Log.IsFull = true;
        rig.Publish(producer, Batches.Make("p", 0, 3));
        Assert.Equal(ErrorCode.StorageFull, peer.Single<ErrorFrame>().Code);
        rig.Log.IsFull = false;
        rig.Publish(producer, Batches.Make("p", 3, 2));
        Assert.Equal(ErrorCode.SequenceOutOfOrder, peer.Single<ErrorFrame>().Code);
        rig.Publish(producer, Batches.Make("p", 0, 3));
        Assert.Equal(new PublishedFrame(producer.Id, 0, 0, 3, Durability.Disk, false), peer.Single<PublishedFrame>());
    }

    [Fact]
    public void A_name_that_is_not_remembered_goes_on_where_its_producer_says()
    {
        using var rig = new PartitionRig();
        var (producer, peer) = Attach(rig);
        rig.Publish(producer, Batches.Make("p", 1000, 3));
        Assert.Equal(new PublishedFrame(producer.Id, 1000, 0, 3, Durability.Disk, false), peer.Single<PublishedFrame>());
    }

    /// <summary>A producer that sends any of its batches at any time, over a log that is full at times and a connection that is
    /// made anew at times: what is stored is its stream, each batch once and in order, and each answer says what happened.</summary>
    [Fact]
    [Cases(1_500)]
    public void Whatever_is_sent_again_the_stream_is_stored_once_and_in_order() =>
        Gen.Select(Gen.Int[1, 5].Array[1, 60], Gen.Select(Gen.Int[0, 9], Gen.Int[-50, 3]).List[1, 120]).Sample((counts, steps) =>
        {
            using var rig = new PartitionRig();
            rig.Fill(Others);
            var (producer, peer) = Attach(rig);
            var stored = new List<int>();
            foreach (var (kind, distance) in steps)
            {
                if (kind == 0)
                    (producer, peer) = Attach(rig);
                rig.Log.IsFull = kind == 1;
                var index = Math.Clamp(stored.Count + distance, 0, counts.Length - 1);
                // The first batch tells the broker where the stream begins; it can only be the first one.
                if (stored.Count == 0)
                    index = 0;
                SendOne(rig, producer, peer, counts, index, stored);
            }
            Assert.Equal(Others + stored.Sum(i => counts[i]), rig.Log.EndOffset);
        }, iter: Cases.OfThisTest);

    private static void SendOne(PartitionRig rig, Producer producer, FakePeer peer, int[] counts, int index, List<int> stored)
    {
        var sequence = (long)counts.Take(index).Sum();
        var batch = Batches.Make("p", sequence, counts[index]);
        var answered = peer.AnsweredBytes;
        rig.Publish(producer, batch);
        Assert.Equal(answered + batch.Length, peer.AnsweredBytes);
        var answer = Assert.Single(peer.TakeAll());
        if (index < stored.Count)
        {
            // Where an older batch went is known as long as the log has it; it is trimmed when it is full.
            var isKnown = stored.Count - index <= ProducerMemory.RememberedBatches || Others + sequence >= rig.Log.StartOffset;
            var offset = isKnown ? Others + sequence : -1;
            Assert.Equal(new PublishedFrame(producer.Id, sequence, offset, counts[index], Durability.Disk, true), answer);
        }
        else if (index > stored.Count)
        {
            Assert.Equal(ErrorCode.SequenceOutOfOrder, Assert.IsType<ErrorFrame>(answer).Code);
        }
        else if (rig.Log.IsFull)
        {
            Assert.Equal(ErrorCode.StorageFull, Assert.IsType<ErrorFrame>(answer).Code);
        }
        else
        {
            Assert.Equal(new PublishedFrame(producer.Id, sequence, Others + sequence, counts[index], Durability.Disk, false), answer);
            stored.Add(index);
        }
    }

    private static (Producer Producer, FakePeer Peer) Attach(PartitionRig rig)
    {
        var producer = rig.Attach("p");
        var peer = (FakePeer)producer.Peer;
        peer.Single<ProducerReadyFrame>();
        return (producer, peer);
    }
}
