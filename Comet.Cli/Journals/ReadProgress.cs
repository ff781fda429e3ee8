using System.Globalization;
using Comet.Cli.Output;
using Comet.Journals;

namespace Comet.Cli.Journals;

/// <summary>Tells on standard error how much of a journal has been looked at.</summary>
internal sealed class ReadProgress : IProgress<JournalProgress>, IAsyncDisposable
{
    private const double BytesPerMegabyte = 1e6;

    private readonly Progress _progress;
    private JournalProgress _last;

    public ReadProgress(bool quiet) => _progress = new Progress(Describe, quiet);

    public void Report(JournalProgress value) => _last = value;

    public ValueTask DisposeAsync() => _progress.DisposeAsync();

    private string Describe() => string.Create(CultureInfo.InvariantCulture,
        $"{_last.Bytes / BytesPerMegabyte:N0} of {_last.TotalBytes / BytesPerMegabyte:N0} MB read");
}
