using Comet.Server.Broker;
using Comet.Wire;

namespace Comet.Server.Tests.Broker;

/// <summary>A connection that keeps what it is sent, with a copy of each payload, and forgets what it is told to.</summary>
internal sealed class FakePeer : IPeer
{
    public bool HasSpace { get; set; } = true;

    public List<(object Frame, ulong CorrelationId, byte[] Payload)> Sent { get; } = [];

    public List<object> Forgotten { get; } = [];

    public long AnsweredBytes { get; private set; }

    /// <summary>Whether it takes no notice of what it is sent.</summary>
    public bool IsDeaf { get; set; }

    /// <summary>Called with each frame as it is sent.</summary>
    public Action<object, byte[]>? OnSend { get; set; }

    public void Send<TFrame>(in TFrame frame, ulong correlationId = 0, ReadOnlyMemory<byte> payload = default)
        where TFrame : struct, IFrame<TFrame>
    {
        if (IsDeaf)
            return;
        var copy = payload.ToArray();
        Sent.Add((frame, correlationId, copy));
        OnSend?.Invoke(frame, copy);
    }

    public void PublishAnswered(int bytes) => AnsweredBytes += bytes;

    public void Forget(Producer producer) => Forgotten.Add(producer);

    public void Forget(Consumer consumer) => Forgotten.Add(consumer);

    /// <summary>The frames of one kind since the last call of this or <see cref="TakeAll"/>.</summary>
    public List<TFrame> Take<TFrame>() => [.. TakeAll().OfType<TFrame>()];

    public List<object> TakeAll()
    {
        var frames = Sent.Select(s => s.Frame).ToList();
        Sent.Clear();
        return frames;
    }

    /// <summary>The one frame that was sent since the last take, which must be of this kind.</summary>
    public TFrame Single<TFrame>() => Assert.IsType<TFrame>(Assert.Single(TakeAll()));
}
