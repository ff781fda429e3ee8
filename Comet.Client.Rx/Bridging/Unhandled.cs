using System.Runtime.ExceptionServices;

namespace Comet.Client.Rx.Bridging;

/// <summary>What an observer throws is nobody's but the program's: as Rx has it for sequences with a thread of their own, it is
/// unhandled.</summary>
internal static class Unhandled
{
    public static void Throw(Exception exception) =>
        ThreadPool.UnsafeQueueUserWorkItem(static fault => fault.Throw(), ExceptionDispatchInfo.Capture(exception), preferLocal: false);
}
