using BenchmarkDotNet.Running;
using Comet.Benchmarks.Journals;
using Comet.Benchmarks.Schedules;

return args switch
{
    ["journal", .. var rest] => JournalBenchmarks.Run(rest),
    ["opening", .. var rest] => await OpeningBenchmarks.RunAsync(rest),
    [OpeningBenchmarks.FillVerb, .. var rest] => await OpeningBenchmarks.FillAsync(rest),
    ["schedules", .. var rest] => await ScheduleBenchmarks.RunAsync(rest),
    [TwoProcesses.WriterVerb, var directory] => TwoProcesses.RunWriter(directory),
    [TwoProcesses.PacedWriterVerb, var directory] => TwoProcesses.RunPacedWriter(directory),
    _ => Micro(args),
};

static int Micro(string[] arguments)
{
    BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(arguments);
    return 0;
}
