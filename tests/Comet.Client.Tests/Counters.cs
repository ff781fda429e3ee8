using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace Comet.Client.Tests;

/// <summary>The counters of one topic, while it lives.</summary>
internal sealed class Counters : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly ConcurrentDictionary<string, long> _values = new();

    public Counters(string meter, string topic)
    {
        _listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Meter.Name == meter)
                self.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
        {
            if (tags.Contains(new(CometDiagnostics.TopicTag, topic)))
                _values.AddOrUpdate(instrument.Name, value, (_, old) => instrument.IsObservable ? value : old + value);
        });
        _listener.Start();
    }

    public long this[string name]
    {
        get
        {
            _listener.RecordObservableInstruments();
            return _values.GetValueOrDefault(name);
        }
    }

    public void Dispose() => _listener.Dispose();
}
