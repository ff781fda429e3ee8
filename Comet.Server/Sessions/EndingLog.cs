using Microsoft.Extensions.Logging;

namespace Comet.Server.Sessions;

/// <summary>Logs how connections end, and lets no client flood the log: of each reason the first few of a minute are told one by one, and
/// how many more there were when the minute is over.</summary>
internal sealed class EndingLog(ILogger logger, TimeProvider time) : IDisposable
{
    /// <summary>So many of a reason are told one by one in each <see cref="Window"/>.</summary>
    public const int MostOfAReason = 10;

    public static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();
    private readonly Dictionary<ErrorCode, Row> _rows = [];

    public void Add(string client, CometException reason)
    {
        lock (_gate)
        {
            if (!_rows.TryGetValue(reason.Code, out var row))
                _rows[reason.Code] = row = new Row(reason.Code);
            if (row.Told == 0 || (row.LeftOut == 0 && time.GetElapsedTime(row.Beginning) >= Window))
                (row.Told, row.Beginning) = (0, time.GetTimestamp());
            if (row.Told == MostOfAReason)
            {
                LeaveOut(row, client, reason.Message);
                return;
            }
            row.Told++;
        }
        if (reason.Code == ErrorCode.ConnectionLost)
            SessionLog.Lost(logger, client, reason.Message);
        else
            SessionLog.Refused(logger, client, reason.Code, reason.Message);
    }

    /// <summary>Tells what was left out so far.</summary>
    public void Dispose()
    {
        Row[] rows;
        lock (_gate)
            rows = [.. _rows.Values];
        foreach (var row in rows)
            Summarize(row);
    }

    private void LeaveOut(Row row, string client, string reason)
    {
        row.LeftOut++;
        (row.LastClient, row.LastReason) = (client, reason);
        row.Timer ??= time.CreateTimer(
            static state => ((Action)state!)(), () => Summarize(row), Window - time.GetElapsedTime(row.Beginning),
            Timeout.InfiniteTimeSpan);
    }

    private void Summarize(Row row)
    {
        int count;
        lock (_gate)
        {
            row.Timer?.Dispose();
            row.Timer = null;
            (count, row.LeftOut, row.Told) = (row.LeftOut, 0, 0);
        }
        if (count == 0)
            return;
        if (row.Code == ErrorCode.ConnectionLost)
            SessionLog.LostMore(logger, count, row.LastClient, row.LastReason);
        else
            SessionLog.RefusedMore(logger, count, row.Code, row.LastClient, row.LastReason);
    }

    private sealed class Row(ErrorCode code)
    {
        public ErrorCode Code => code;

        public long Beginning { get; set; }

        public int Told { get; set; }

        public int LeftOut { get; set; }

        public string LastClient { get; set; } = "";

        public string LastReason { get; set; } = "";

        public ITimer? Timer { get; set; }
    }
}

internal static partial class SessionLog
{
    [LoggerMessage(2101, LogLevel.Warning, "Ended the connection of {Client}: {Code}: {Reason}")]
    public static partial void Refused(ILogger logger, string client, ErrorCode code, string reason);

    [LoggerMessage(2102, LogLevel.Information, "Lost the connection of {Client}: {Reason}")]
    public static partial void Lost(ILogger logger, string client, string reason);

    [LoggerMessage(2103, LogLevel.Warning,
        "Ended {Count} more connection(s) within a minute for {Code}; the last was that of {Client}: {Reason}")]
    public static partial void RefusedMore(ILogger logger, int count, ErrorCode code, string client, string reason);

    [LoggerMessage(2104, LogLevel.Information, "Lost {Count} more connection(s) within a minute; the last was that of {Client}: {Reason}")]
    public static partial void LostMore(ILogger logger, int count, string client, string reason);
}
