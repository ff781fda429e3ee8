using Comet.Cli.Output;
using Comet.Journals;

namespace Comet.Cli.Journals;

/// <summary>A record as JSON. A payload that is no UTF-8 stands in payloadBase64.</summary>
internal sealed record RecordLine(
    long Sequence, DateTimeOffset Time, long Segment, long FilePosition, string? Payload, string? PayloadBase64)
{
    /// <summary>Writes a record as a line: its payload, or JSON.</summary>
    public static void Write(LineOutput output, in JournalRecord record, bool isJson)
    {
        if (isJson)
            output.Write(CliJson.Line(From(record), CliJson.Default.RecordLine));
        else
            output.Write(record.Payload);
    }

    private static RecordLine From(in JournalRecord record)
    {
        var text = PayloadText.TryDecode(record.Payload);
        return new(record.Sequence, record.Timestamp, record.Position.Segment, record.Position.FilePosition, text,
            text is null ? Convert.ToBase64String(record.Payload) : null);
    }
}
