using System.Globalization;

namespace Comet.Benchmarks.Journals;

/// <summary>Measures several candidates in turns, so that whatever disturbs the machine disturbs all of them, and tells the median of each
/// and its ratio to the first one's.</summary>
internal sealed class Rounds(string title, string unit)
{
    private readonly List<(string Name, Func<double> Measure)> _candidates = [];

    public static TimeProvider Time => TimeProvider.System;

    /// <summary>The one candidate to measure (<c>--only NAME</c>), for a profiler; null for all.</summary>
    public static string? Only { get; set; }

    /// <summary>Measures one candidate; the first that is added is what others are compared with.</summary>
    public Rounds Add(string name, Func<double> measure)
    {
        if (Only is null || Only == name)
            _candidates.Add((name, measure));
        return this;
    }

    public void Run(int rounds)
    {
        if (_candidates.Count == 0)
            return;
        var results = _candidates.Select(_ => new double[rounds]).ToArray();
        for (var round = 0; round < rounds; round++)
        {
            for (var i = 0; i < _candidates.Count; i++)
                results[i][round] = _candidates[i].Measure();
        }
        var first = Median(results[0]);
        for (var i = 0; i < _candidates.Count; i++)
        {
            var median = Median(results[i]);
            var compared = i == 0 ? "" : $"  {_candidates[0].Name}: {Text(first / median)} x";
            Console.WriteLine($"{title,-32} {_candidates[i].Name,-24} {Text(median),14} {unit,-10} "
                + $"(min {Text(results[i].Min())}, max {Text(results[i].Max())}){compared}");
        }
    }

    /// <summary>Operations a second.</summary>
    public static double Rate(long count, Action run)
    {
        if (ThreadTime.IsUsed)
        {
            var before = ThreadTime.Seconds();
            run();
            return count / (ThreadTime.Seconds() - before);
        }
        var start = Time.GetTimestamp();
        run();
        return count / Time.GetElapsedTime(start).TotalSeconds;
    }

    public static double MicrosecondsSince(long start) => (Time.GetTimestamp() - start) * 1e6 / Time.TimestampFrequency;

    public static double Median(double[] values)
    {
        var sorted = values.Order().ToArray();
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    private static string Text(double value) => value.ToString(value >= 1000 ? "N0" : "0.###", CultureInfo.InvariantCulture);
}
