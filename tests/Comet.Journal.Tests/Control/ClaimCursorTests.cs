using Comet.Journals.Control;
using Comet.Journals.Records;

namespace Comet.Journals.Tests.Control;

public sealed unsafe class ClaimCursorTests
{
    /// <summary>A claim without a slot would be taken for that of a dead writer while it is being filled.</summary>
    [Fact]
    public void Who_gave_up_a_claim_and_gets_no_slot_claims_nothing_before_there_is_one()
    {
        var size = RecordLayout.Size(100);
        using var directory = new TemporaryDirectory();
        using var state = JournalOpener.Open(JournalEnvironment.Default, directory.Path, new JournalOptions { MaxWriters = 2 });
        using var slow = new ClaimCursor(state);
        using var unlucky = new ClaimCursor(state);
        var claim = slow.Claim(size, 1, out var time);
        unlucky.Claim(size, 1, out _);

        // The slot stays dirty as long as what is in front of its claim is not published.
        Assert.Equal(JournalErrorCode.TooManyWriters, Assert.Throws<JournalException>(unlucky.Abandon).Code);
        Assert.Equal(JournalErrorCode.TooManyWriters, Assert.Throws<JournalException>(() => unlucky.Claim(size, 1, out _)).Code);
        var record = slow.Start + TailWord.Position(claim);
        slow.Publish(record, RecordLayout.Word(RecordKind.Data, 100), time, slow.FirstSequence + TailWord.Count(claim));
        slow.Complete(claim, size, 1);
        Assert.True(TailWord.Position(unlucky.Claim(size, 1, out _)) > TailWord.Position(claim));
        unlucky.Abandon();
    }
}
