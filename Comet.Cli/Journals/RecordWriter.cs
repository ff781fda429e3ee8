using System.Globalization;
using System.Text;
using Comet.Cli.Output;
using Comet.Journals;
using Comet.Server;

namespace Comet.Cli.Journals;

/// <summary>Writes records as lines. In a partition of a broker a record is a batch of messages, and those are written: the first record
/// tells which it is.</summary>
internal sealed class RecordWriter(LineOutput output, string directory, bool isJson, bool isRaw, long most = long.MaxValue)
{
    private bool? _isPartition = isRaw ? false : null;

    /// <summary>Whether as many lines are written as are wanted.</summary>
    public bool IsDone => output.Written >= most;

    /// <exception cref="CometException">A record of a partition is no batch of messages.</exception>
    public void Write(in JournalRecord record)
    {
        IReadOnlyList<StoredMessage> messages = [];
        var isBatch = _isPartition != false && StoredMessage.TryRead(record.Payload, out messages);
        if (_isPartition is null && isBatch)
            Note.Write("this is a partition of a broker, whose records are batches: their messages are written. --raw writes the records.",
                isJson);
        _isPartition ??= isBatch;
        if (_isPartition == false)
            RecordLine.Write(output, record, isJson);
        else if (isBatch)
            Write(messages);
        else
        {
            throw new CometException(ErrorCode.StorageFailed, string.Create(CultureInfo.InvariantCulture,
                $"Record {record.Sequence} of {directory} is no batch of messages, as those before it are. --raw writes what it is."));
        }
    }

    private void Write(IReadOnlyList<StoredMessage> messages)
    {
        foreach (var message in messages)
        {
            if (IsDone)
                return;
            if (isJson)
                output.Write(CliJson.Line(StoredMessageLine.From(message), CliJson.Default.StoredMessageLine));
            else
                output.Write(message.Payload.Span);
        }
    }
}

/// <summary>A stored message as JSON. A payload that is no UTF-8 stands in payloadBase64.</summary>
internal sealed record StoredMessageLine(
    long Offset, string? Key, Dictionary<string, string>? Headers, DateTimeOffset PublishTime, DateTimeOffset AppendTime,
    DateTimeOffset? DeliverAt, string Producer, long SequenceId, string? Payload, string? PayloadBase64)
{
    public static StoredMessageLine From(StoredMessage message)
    {
        var text = PayloadText.TryDecode(message.Payload.Span);
        return new(
            message.Offset, message.Key,
            message.Headers.Count == 0 ? null : message.Headers.GroupBy(static h => h.Key, StringComparer.Ordinal).ToDictionary(
                static g => g.Key, static g => Encoding.UTF8.GetString(g.First().Value.Span), StringComparer.Ordinal),
            message.PublishTime, message.AppendTime, message.DeliverAt, message.Producer, message.SequenceId, text,
            text is null ? Convert.ToBase64String(message.Payload.Span) : null);
    }
}
