namespace Comet.Server.Broker;

/// <summary>Gives the consumers of a subscription small numbers, to be kept with each message; a number is used again when its consumer
/// has gone and holds nothing any more.</summary>
internal sealed class ConsumerNumbers
{
    private readonly List<Consumer?> _byNumber = [];
    private readonly Stack<int> _free = new();

    public Consumer this[int number] => _byNumber[number] ?? throw new InvalidOperationException($"There is no consumer {number}.");

    public bool IsFull => _free.Count == 0 && _byNumber.Count == MessageState.MaxConsumers;

    public void Add(Consumer consumer)
    {
        if (_free.TryPop(out var number))
        {
            _byNumber[number] = consumer;
        }
        else
        {
            number = _byNumber.Count;
            _byNumber.Add(consumer);
        }
        consumer.Number = number;
    }

    public void Remove(Consumer consumer)
    {
        _byNumber[consumer.Number] = null;
        _free.Push(consumer.Number);
    }
}
