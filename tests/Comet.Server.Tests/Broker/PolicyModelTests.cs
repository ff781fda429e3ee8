using CsCheck;

namespace Comet.Server.Tests.Broker;

public sealed class PolicyModelTests
{
    private static readonly Gen<TimeSpan> s_time = Gen.Int[1, 20].Select(static s => TimeSpan.FromMilliseconds(500 * s));

    private static readonly Gen<RetentionPolicy> s_retention = Gen.OneOf(
        Gen.Const(RetentionPolicy.UntilRoomIsWanted),
        Gen.Const(RetentionPolicy.None),
        Gen.Const(RetentionPolicy.Forever),
        Gen.Select(Gen.Bool, Gen.Long[1, 30], Gen.Bool, s_time, Gen.Bool, Gen.Long[1, 3000]).Select(static t => new RetentionPolicy
        {
            MaxMessages = t.Item1 ? t.Item2 : null, MaxAge = t.Item3 ? t.Item4 : null, MaxBytes = t.Item5 ? t.Item6 : null,
        }));

    private static readonly Gen<TopicPolicy> s_policy = Gen.Select(
        s_retention, Gen.Bool, s_time, Gen.OneOf(Gen.Const(long.MaxValue), Gen.Long[100, 4000]), Gen.Enum<BacklogAction>(),
        static (retention, expires, ttl, quota, action) => new TopicPolicy
        {
            Retention = retention,
            MessageTtl = expires ? ttl : Timeout.InfiniteTimeSpan,
            BacklogQuota = new(quota, action),
        });

    private static readonly Gen<string> s_name = Gen.Int[0, 2].Select(static i => "abc"[i].ToString());

    private static readonly Gen<Action<PolicyModel>> s_step = Gen.Frequency(
        (6, Gen.Select(Gen.Int[1, 8], Gen.Int[0, 40], static Action<PolicyModel> (count, padding) => m => m.Publish(count, padding))),
        (6, Gen.Select(s_name, Gen.Double[0, 1], Gen.Int[0, 15], static Action<PolicyModel> (n, at, count) => m => m.Ack(n, at, count))),
        (3, Gen.Long[1, 3_000_000].Select(static Action<PolicyModel> (time) => m => m.Pass(time))),
        (2, s_name.Select(static Action<PolicyModel> (name) => m => m.Toggle(name))),
        (1, Gen.Select(s_name, Gen.Long[0, 100], static Action<PolicyModel> (name, offset) => m => m.Seek(name, offset))),
        (1, s_policy.Select(static Action<PolicyModel> (policy) => m => m.Change(policy))));

    [Fact]
    [Cases(3_000)]
    public void Whatever_the_policy_it_keeps_what_it_promises_and_never_drops_what_is_not_acked() =>
        s_step.Array[1, 60].Sample(
            static steps =>
            {
                using var model = new PolicyModel();
                model.Toggle("a");
                foreach (var step in steps)
                    step(model);
            },
            iter: Cases.OfThisTest);
}
