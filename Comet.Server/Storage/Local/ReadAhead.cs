using System.Runtime.ExceptionServices;
using Comet.Journals;
using Comet.Server.Storage.Memory;

namespace Comet.Server.Storage.Local;

/// <summary>One place of a journal that is read on and on, a piece ahead of who takes the batches: while they are taken from one piece,
/// another thread fills the other one from the disk.</summary>
/// <remarks>The owner of the partition calls everything. While <see cref="IsFilling"/> the other thread has the reader and the piece to
/// fill, and the owner leaves them alone.</remarks>
internal sealed class ReadAhead : IDisposable
{
    /// <summary>256 KiB: a piece; two for each place.</summary>
    public const int PieceLength = 256 * 1024;

    private const int Resting = 0;
    private const int Filling = 1;
    private const int Abandoned = 2;

    private readonly ColdReader _reader;
    private readonly MemoryBudget _budget;
    private readonly Action<Action> _run;
    private readonly Action _filled;
    private ReadPiece _taken;
    private ReadPiece _next;
    private Exception? _failure;
    private long _wanted;
    private long _low;
    private long _high;
    private long _missing = -1;
    private bool _hasOver;
    private bool _isAtEnd;
    private int _state;

    private ReadAhead(Journal journal, MemoryBudget budget, byte[] first, byte[] second, Action<Action> run, Action filled)
    {
        _reader = new ColdReader(journal, readsOnce: true);
        (_budget, _taken, _next, _run, _filled) = (budget, new(first), new(second), run, filled);
    }

    /// <summary>Whether the other thread is reading.</summary>
    public bool IsFilling => Volatile.Read(ref _state) == Filling;

    /// <summary>Whether nothing was taken of what was read last.</summary>
    public bool IsFresh => !IsFilling && !_next.IsEmpty;

    /// <summary>When it was last used, as a count of uses.</summary>
    public long LastUsed { get; set; }

    /// <summary>Makes one; null when the memory for that is in use.</summary>
    /// <param name="journal">What is read.</param>
    /// <param name="budget">Gives the memory.</param>
    /// <param name="run">Runs what waits for the disk, on another thread.</param>
    /// <param name="filled">Called by that thread when it is done; not when this was disposed meanwhile.</param>
    public static ReadAhead? TryCreate(Journal journal, MemoryBudget budget, Action<Action> run, Action filled)
    {
        if (budget.TryRent(PieceLength) is not { } first)
            return null;
        if (budget.TryRent(PieceLength) is { } second)
            return new ReadAhead(journal, budget, first, second, run, filled);
        budget.Return(first);
        return null;
    }

    /// <summary>Where the batch that holds an offset, or the first behind it, is.</summary>
    /// <exception cref="JournalException">It could not be read.</exception>
    public ReadPlace Find(long offset)
    {
        if (_taken.Holds(offset))
            return ReadPlace.Here;
        if (IsFilling)
            return _wanted == offset ? ReadPlace.Coming : ReadPlace.Elsewhere;
        if (_failure is { } failure)
        {
            _failure = null;
            ExceptionDispatchInfo.Throw(failure);
        }
        return _next.Holds(offset) || _missing == offset ? ReadPlace.Here : ReadPlace.Elsewhere;
    }

    /// <summary>Takes the batch that holds an offset, or the first behind it; its bytes are valid until the next call. Has the piece that
    /// became free by it filled again.</summary>
    public bool TryTake(long offset, out StoredBatch batch, out long position)
    {
        if (_taken.TryFind(offset, out batch, out position))
            return true;
        if (IsFilling || !_next.TryFind(offset, out batch, out position))
            return false;
        (_taken, _next) = (_next, _taken);
        _next.Clear();
        if (!_isAtEnd && _failure is null)
            Begin(_taken.NextOffset);
        return true;
    }

    /// <summary>Gives up what is here, and reads from an offset on.</summary>
    /// <param name="offset">The offset.</param>
    /// <param name="low">Batches whose sequence is lower lie before it.</param>
    /// <param name="high">Batches of this sequence or a higher one lie behind it.</param>
    public void MoveTo(long offset, long low, long high)
    {
        _taken.Clear();
        _next.Clear();
        (_low, _high, _hasOver) = (low, high, false);
        // Where the reader stands says nothing any more.
        _isAtEnd = true;
        Begin(offset);
    }

    public void Dispose()
    {
        // Who fills it frees it when he is done.
        if (Interlocked.Exchange(ref _state, Abandoned) == Resting)
            Free();
    }

    private void Begin(long offset)
    {
        (_wanted, _missing) = (offset, -1);
        Volatile.Write(ref _state, Filling);
        _run(Fill);
    }

    private void Fill()
    {
        try
        {
            var isMove = _isAtEnd;
            _isAtEnd = !TryFill(isMove);
            if (_next.IsEmpty)
                _missing = _wanted;
        }
        catch (Exception e)
        {
            _failure = e;
        }
        if (Interlocked.CompareExchange(ref _state, Resting, Filling) == Filling)
            _filled();
        else
            Free();
    }

    /// <summary>Fills the piece; false when there is nothing more in the journal.</summary>
    private bool TryFill(bool isMove)
    {
        var found = isMove
            ? _reader.TryFind(header => header.LastOffset < _wanted, _low, _high)
            : _hasOver || _reader.TryReadNext();
        _hasOver = false;
        while (found && Volatile.Read(ref _state) == Filling)
        {
            if (!_next.TryAdd(_reader.Batch, _reader.Position, Math.Min(_wanted, _reader.Batch.BaseOffset)))
                return _hasOver = true;
            found = _reader.TryReadNext();
        }
        return false;
    }

    private void Free()
    {
        _reader.Dispose();
        _budget.Return(_taken.Give());
        _budget.Return(_next.Give());
    }
}

/// <summary>Where a batch is that somebody wants.</summary>
internal enum ReadPlace
{
    /// <summary>In memory, or nowhere at all.</summary>
    Here,

    /// <summary>It is being read.</summary>
    Coming,

    Elsewhere,
}
