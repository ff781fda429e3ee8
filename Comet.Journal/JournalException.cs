namespace Comet.Journals;

/// <summary>What every failed operation of a journal throws: a stable <see cref="Code"/>, what happened, where, and what to do.</summary>
public sealed class JournalException : Exception
{
    /// <summary>Creates an exception that says no more than that something failed inside.</summary>
    public JournalException()
        : this(JournalErrorCode.InternalError, "An operation of the journal failed.")
    {
    }

    /// <summary>Creates an exception with the code <see cref="JournalErrorCode.InternalError"/>.</summary>
    public JournalException(string message)
        : this(JournalErrorCode.InternalError, message)
    {
    }

    /// <summary>Creates an exception with the code <see cref="JournalErrorCode.InternalError"/> and its cause.</summary>
    public JournalException(string message, Exception? innerException)
        : this(JournalErrorCode.InternalError, message, innerException)
    {
    }

    /// <summary>Creates an exception. <paramref name="message"/> says what, where and what to do.</summary>
    /// <param name="code">The stable code.</param>
    /// <param name="message">A full sentence.</param>
    /// <param name="innerException">The cause, where there is one.</param>
    public JournalException(JournalErrorCode code, string message, Exception? innerException = null)
        : base(message, innerException) => Code = code;

    /// <summary>The stable code of the error.</summary>
    public JournalErrorCode Code { get; }

    /// <summary>Whether the same operation may succeed later without a change on the caller's side.</summary>
    public bool IsTransient =>
        Code is JournalErrorCode.InUse or JournalErrorCode.StorageFull or JournalErrorCode.TooManyWriters or JournalErrorCode.ReaderInUse;

    /// <summary>Whether what was appended may or may not have become durable.</summary>
    public bool IsOutcomeUnknown => Code == JournalErrorCode.Faulted;

    /// <summary>The file the error is about, or null.</summary>
    public string? File { get; init; }

    /// <summary>The byte in <see cref="File"/> where the damage begins, or -1.</summary>
    public long FilePosition { get; init; } = -1;
}
