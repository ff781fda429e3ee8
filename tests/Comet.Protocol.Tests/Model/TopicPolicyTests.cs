namespace Comet.Protocol.Tests.Model;

public sealed class TopicPolicyTests
{
    private static readonly TimeSpan s_week = TimeSpan.FromDays(7);

    public static TheoryData<TopicPolicy, string> Invalid => new()
    {
        { new() { Retention = new() { MaxMessages = -1 } }, "MaxMessages is -1; it must be 0 or more" },
        { new() { Retention = new() { MaxBytes = -1 } }, "MaxBytes is -1; it must be 0 or more" },
        { new() { Retention = new() { MaxAge = TimeSpan.FromSeconds(-1) } }, "MaxAge is -00:00:01; it must be from zero" },
        { new() { Retention = new() { MaxAge = TimeSpan.MaxValue } }, "it must be from zero to 36,525 days" },
        { new() { Retention = new() { MaxMessages = 0, MaxAge = s_week } }, "(MaxMessages 0, MaxAge 7.00:00:00): set all to 0" },
        { new() { Retention = new() { MaxMessages = 0, MaxBytes = 1 } }, "a limit of 0, which keeps nothing, and another" },
        { new() { Retention = new() { MaxBytes = 0, MaxAge = s_week } }, "leave out the limit that is not meant" },
        { new() { Retention = new() { MaxBytes = 0, MaxMessages = 1 } }, "(MaxMessages 1, MaxBytes 0)" },
        { new() { Retention = new() { MaxAge = TimeSpan.Zero, MaxMessages = 1 } }, "(MaxMessages 1, MaxAge 00:00:00)" },
        { new() { Retention = new() { MaxAge = TimeSpan.Zero, MaxBytes = 1 } }, "set all to 0 for nothing" },
        { new() { Retention = new() { YieldsToRoom = true, MaxAge = s_week } }, "YieldsToRoom goes with no limit" },
        { new() { Retention = new() { YieldsToRoom = true, MaxMessages = 0 } }, "YieldsToRoom goes with no limit" },
        { new() { Retention = new() { YieldsToRoom = true, MaxBytes = 9 } }, "YieldsToRoom goes with no limit" },
        { new() { MessageTtl = TimeSpan.Zero }, "MessageTtl is 00:00:00; it must be from 1 ms" },
        { new() { MessageTtl = TimeSpan.FromMicroseconds(999) }, "MessageTtl is 00:00:00.0009990" },
        { new() { MessageTtl = TimeSpan.FromDays(40_000) }, "it must be from 1 ms to 36,525 days" },
        { new() { BacklogQuota = new(0) }, "The backlog quota is 0 bytes; it must be 1 or more" },
        { new() { BacklogQuota = new(-5) }, "The backlog quota is -5 bytes" },
        { new() { BacklogQuota = new(5, (BacklogAction)7) }, "has the action 7, which is not known" },
        { new() { DefaultDurability = (Durability)9 }, "DefaultDurability is 9" },
    };

    [Theory]
    [MemberData(nameof(Invalid))]
    public void What_cannot_be_is_refused_with_a_sentence_that_names_the_value(TopicPolicy policy, string sentence)
    {
        var refusal = Assert.Throws<CometException>(policy.Validated);
        Assert.Equal(ErrorCode.InvalidArgument, refusal.Code);
        Assert.Contains(sentence, refusal.Message, StringComparison.Ordinal);
        Assert.EndsWith(".", refusal.Message, StringComparison.Ordinal);
    }

    /// <summary>Each limit is missing, zero or something: the whole table.</summary>
    [Fact]
    public void Of_the_27_combinations_of_limits_those_that_mix_nothing_with_something_are_refused_and_no_other()
    {
        int?[] values = [null, 0, 5];
        foreach (var messages in values)
        {
            foreach (var age in values)
            {
                foreach (var bytes in values)
                {
                    var policy = new TopicPolicy
                    {
                        Retention = new()
                        {
                            MaxMessages = messages, MaxAge = age is { } s ? TimeSpan.FromSeconds(s) : null, MaxBytes = bytes,
                        },
                    };
                    int?[] set = [messages, age, bytes];
                    Assert.Equal(set.Contains(0) && set.Contains(5), Record.Exception(policy.Validated) is CometException);
                }
            }
        }
    }

    [Fact]
    public void An_update_changes_what_it_names_and_nothing_else()
    {
        var policy = new TopicPolicy { MessageTtl = s_week, BacklogQuota = new(100) };
        Assert.Equal(policy, new TopicUpdate { Partitions = 3 }.ApplyTo(policy));
        Assert.Equal(
            policy with { Retention = RetentionPolicy.None, MessageTtl = Timeout.InfiniteTimeSpan },
            new TopicUpdate { Retention = RetentionPolicy.None, MessageTtl = Timeout.InfiniteTimeSpan }.ApplyTo(policy));
        Assert.Equal(policy, TopicUpdate.From(policy).ApplyTo(TopicPolicy.Default));
    }
}
