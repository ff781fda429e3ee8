using Comet.Journals;

namespace Comet.Server.Storage.Local;

internal sealed partial class LocalPartitionLog
{
    // Whoever knows that messages are missing, and wants to go on without them, puts this file beside the journal.
    private const string AcceptanceName = "accept-cut";

    private bool _isCutAccepted;

    /// <summary>As <see cref="RequireEnd"/>, before recovery, which clears away what it takes for a torn tail: what is refused is left
    /// untouched for whoever can save something of it.</summary>
    private void RequireEndUntouched()
    {
        if (_isLoaded || _record.EndOffset <= 0 || File.Exists(Path.Combine(_directory, AcceptanceName)))
            return;
        try
        {
            RequireEnd(OpenPartition.ReadEnd(_directory, _options) ?? _record.StartOffset);
        }
        catch (JournalException failure) when (failure.Code != JournalErrorCode.Corrupt)
        {
            // Opening it for good finds that, too, and tells.
        }
    }

    /// <summary>A journal cannot tell damage of its very end from a tail that a crash has torn; where it was closed in peace can.</summary>
    /// <exception cref="CometException">The log ends before that, and nobody has said that it may.</exception>
    private void RequireEnd(long end)
    {
        if (end >= _record.EndOffset)
            return;
        _isCutAccepted = File.Exists(Path.Combine(_directory, AcceptanceName));
        if (_isCutAccepted)
            return;
        throw new CometException(ErrorCode.StorageFailed,
            $"The last .journal file in {_directory} ends at message {end}, and was closed at message {_record.EndOffset}: its end was "
            + "damaged or cut off. Restore the directory from a copy that has all of it; or, to go on without what is missing, put an "
            + $"empty file named {AcceptanceName} into it.");
    }

    /// <summary>The log is closed, and ends where it ends.</summary>
    private void ForgetAcceptance()
    {
        if (!_isCutAccepted)
            return;
        _isCutAccepted = false;
        File.Delete(Path.Combine(_directory, AcceptanceName));
    }
}
