namespace Comet.Server.Broker;

/// <summary>The consumers of a subscription: those of a lower priority level first, and within a level who came first.</summary>
internal sealed class ConsumerRow
{
    private readonly List<Consumer> _row = [];
    private readonly ConsumerNumbers _numbers = new();
    private int _turn;
    private int _picked;

    // The list itself, and not as an interface: going through one would allocate for each batch.
    public List<Consumer> All => _row;

    public bool IsFull => _numbers.IsFull;

    public Consumer this[int number] => _numbers[number];

    public void Add(Consumer consumer)
    {
        var index = _row.Count;
        while (index > 0 && _row[index - 1].Priority > consumer.Priority)
            index--;
        _row.Insert(index, consumer);
        _numbers.Add(consumer);
    }

    /// <summary>Takes a consumer out of the row; what it holds can still be found by its number until <see cref="Forget"/>.</summary>
    public bool Remove(Consumer consumer) => _row.Remove(consumer);

    public void Forget(Consumer consumer) => _numbers.Remove(consumer);

    public void Clear() => _row.Clear();

    /// <summary>The consumer whose turn it is: of the first level where one can take messages, the next behind who had the last
    /// turn. The turn is over with <see cref="EndTurn"/>.</summary>
    public Consumer? Pick(bool onlyFirst)
    {
        for (int start = 0, end; start < _row.Count && (start == 0 || !onlyFirst); start = end)
        {
            for (end = start + 1; end < _row.Count && _row[end].Priority == _row[start].Priority && !onlyFirst;)
                end++;
            var from = _turn >= start && _turn < end ? _turn - start : 0;
            for (var i = 0; i < end - start; i++)
            {
                var index = start + ((from + i) % (end - start));
                if (!_row[index].CanTake)
                    continue;
                _picked = index;
                return _row[index];
            }
        }
        return null;
    }

    public void EndTurn() => _turn = _picked + 1;
}
