using System.Reflection;
using Comet.Tests;
using Xunit.v3;

[assembly: TestDeadline]

namespace Comet.Tests;

/// <summary>No test waits for ever. In time its cancellation token is cancelled, which ends every wait for something that never comes; a
/// test that hangs even so ends the whole run, and its name is the last word.</summary>
[AttributeUsage(AttributeTargets.Assembly)]
internal sealed class TestDeadlineAttribute : BeforeAfterTestAttribute
{
    // Far longer than any other test takes on a busy machine.
    private static readonly TimeSpan s_cancelAfter = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_cancelLongAfter = TimeSpan.FromSeconds(150);
    private static readonly TimeSpan s_abortAfter = TimeSpan.FromSeconds(180);

    private static readonly AsyncLocal<Watch?> s_current = new();

    public override void Before(MethodInfo methodUnderTest, IXunitTest test) => s_current.Value = new Watch(
        TestContext.Current, test, methodUnderTest.IsDefined(typeof(TakesLongAttribute)) ? s_cancelLongAfter : s_cancelAfter);

    public override void After(MethodInfo methodUnderTest, IXunitTest test)
    {
        if (s_current.Value is not { } watch)
            return;
        watch.Dispose();
        if (watch.IsCancelled && TestContext.Current.TestState?.Result == TestResult.Failed)
            throw new TimeoutException($"Something that the test waits for did not come within {watch.CancelAfter.TotalSeconds} s.");
    }

    private sealed class Watch : IDisposable
    {
        private readonly Timer _cancel;
        private readonly Timer _abort;
        private volatile bool _isCancelled;

        public Watch(ITestContext context, IXunitTest test, TimeSpan cancelAfter)
        {
            CancelAfter = cancelAfter;
            _cancel = new Timer(_ => Cancel(context), null, cancelAfter, Timeout.InfiniteTimeSpan);
            _abort = new Timer(
                _ => Environment.FailFast($"'{test.TestDisplayName}' hangs: it has not ended after {s_abortAfter.TotalSeconds} s."),
                null, s_abortAfter, Timeout.InfiniteTimeSpan);
        }

        public TimeSpan CancelAfter { get; }

        public bool IsCancelled => _isCancelled;

        public void Dispose()
        {
            _cancel.Dispose();
            _abort.Dispose();
        }

        private void Cancel(ITestContext context)
        {
            _isCancelled = true;
            context.CancelCurrentTest();
        }
    }
}

/// <summary>A test that is long because it does much.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class TakesLongAttribute : Attribute;
