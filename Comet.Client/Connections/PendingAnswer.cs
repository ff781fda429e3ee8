using Comet.Wire;

namespace Comet.Client.Connections;

/// <summary>Who waits for the answer to a request. Called on the receive loop: must not block, and must not run user code.</summary>
internal interface IAnswerHandler
{
    /// <summary>The answer came; it may be an Error.</summary>
    void OnAnswer(in RawFrame frame, HeaderCodec codec);

    /// <summary>The connection ended first.</summary>
    void OnLost(CometException reason);
}

/// <summary>Waits for one answer of a certain type.</summary>
internal sealed class PendingAnswer<TAnswer>(Action<TAnswer>? onReceived)
    : TaskCompletionSource<TAnswer>(TaskCreationOptions.RunContinuationsAsynchronously), IAnswerHandler
    where TAnswer : struct, IFrame<TAnswer>
{
    public void OnAnswer(in RawFrame frame, HeaderCodec codec)
    {
        if (frame.Type == TAnswer.Type)
        {
            var answer = frame.Read<TAnswer>(codec);
            onReceived?.Invoke(answer);
            TrySetResult(answer);
            return;
        }
        TrySetException(frame.Type == FrameType.Error
            ? ToException(frame.Read<ErrorFrame>(codec))
            : new CometException(ErrorCode.ProtocolViolation, $"The broker answered with {frame.Type} where {TAnswer.Type} belongs."));
    }

    public void OnLost(CometException reason) => TrySetException(reason);

    public static CometException ToException(in ErrorFrame error) =>
        new(error.Code, error.Message ?? $"The broker refused: {error.Code}.") { RedirectAddress = error.RedirectAddress };
}
