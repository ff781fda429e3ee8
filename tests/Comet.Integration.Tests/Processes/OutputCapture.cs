using System.Text;

namespace Comet.Integration.Tests.Processes;

/// <summary>Everything that a process writes to one of its streams, and a way to wait until it has written something.</summary>
internal sealed class OutputCapture
{
    private readonly Lock _gate = new();
    private readonly MemoryStream _written = new();
    private TaskCompletionSource _changed = NewSignal();
    private int _lines;
    private bool _hasEnded;
    private volatile bool _isLastRead;

    public OutputCapture(Stream source) => Ended = ReadAsync(source);

    /// <summary>Completes when the process has closed the stream.</summary>
    public Task Ended { get; }

    public int LineCount
    {
        get
        {
            lock (_gate)
                return _lines;
        }
    }

    public byte[] Bytes
    {
        get
        {
            lock (_gate)
                return _written.ToArray();
        }
    }

    public string Text => Encoding.UTF8.GetString(Bytes);

    /// <summary>The complete lines, without their line feeds.</summary>
    public string[] Lines => Text.Split('\n')[..^1];

    /// <summary>Closes the reading end behind the next bytes that come, as `head` does; <see cref="Ended"/> then completes.</summary>
    public void CloseBehindNextRead() => _isLastRead = true;

    public Task WaitForLinesAsync(int count) => WaitUntilAsync(() => _lines >= count, $"{count} lines");

    public async Task<string> WaitForLineAsync(string beginning)
    {
        string? found = null;
        bool IsThere() => (found = Array.Find(Lines, line => line.StartsWith(beginning, StringComparison.Ordinal))) is not null;
        await WaitUntilAsync(IsThere, $"'{beginning}'");
        return found!;
    }

    public Task WaitForTextAsync(string text) =>
        WaitUntilAsync(() => Text.Contains(text, StringComparison.Ordinal), $"'{text}'");

    private async Task WaitUntilAsync(Func<bool> condition, string what)
    {
        using var limit = new CancellationTokenSource(Limits.Wait);
        while (true)
        {
            Task changed;
            lock (_gate)
            {
                if (condition())
                    return;
                Assert.False(_hasEnded, $"The process ended its output without {what}. It wrote:\n{Text}");
                changed = _changed.Task;
            }
            try
            {
                await changed.WaitAsync(limit.Token);
            }
            catch (OperationCanceledException)
            {
                Assert.Fail($"Waited {Limits.Wait.TotalSeconds} s for {what}. The process wrote:\n{Text}");
            }
        }
    }

    private async Task ReadAsync(Stream source)
    {
        var buffer = new byte[64 * 1024];
        while (true)
        {
            var read = await source.ReadAsync(buffer);
            TaskCompletionSource changed;
            lock (_gate)
            {
                _written.Write(buffer, 0, read);
                _lines += buffer.AsSpan(0, read).Count((byte)'\n');
                _hasEnded = read == 0 || _isLastRead;
                (changed, _changed) = (_changed, NewSignal());
            }
            if (_isLastRead)
                await source.DisposeAsync();
            changed.TrySetResult();
            if (read == 0 || _isLastRead)
                return;
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
