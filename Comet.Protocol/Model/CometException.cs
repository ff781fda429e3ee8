namespace Comet;

/// <summary>What every failed operation of Comet throws: a stable <see cref="Code"/>, what happened, where, and what to do.</summary>
public sealed class CometException : Exception
{
    /// <summary>Creates an exception that says no more than that something failed inside.</summary>
    public CometException()
        : this(ErrorCode.InternalError, "An operation of Comet failed.")
    {
    }

    /// <summary>Creates an exception with the code <see cref="ErrorCode.InternalError"/>.</summary>
    public CometException(string message)
        : this(ErrorCode.InternalError, message)
    {
    }

    /// <summary>Creates an exception with the code <see cref="ErrorCode.InternalError"/> and its cause.</summary>
    public CometException(string message, Exception? innerException)
        : this(ErrorCode.InternalError, message, innerException)
    {
    }

    /// <summary>Creates an exception. <paramref name="message"/> says what, where and what to do.</summary>
    /// <param name="code">The stable code.</param>
    /// <param name="message">A full sentence.</param>
    /// <param name="innerException">The cause, where there is one.</param>
    public CometException(ErrorCode code, string message, Exception? innerException = null)
        : base(message, innerException) => Code = code;

    /// <summary>The stable code of the error.</summary>
    public ErrorCode Code { get; }

    /// <summary>Whether the same operation may succeed later without a change on the caller's side.</summary>
    public bool IsTransient => Code.IsTransient();

    /// <summary>The address of the node to ask instead, where <see cref="Code"/> is <see cref="ErrorCode.NotOwner"/>; otherwise
    /// null.</summary>
    public string? RedirectAddress { get; init; }
}
