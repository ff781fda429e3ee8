namespace Comet.Client.Rx;

/// <summary>What an observer does with a value when its buffer is full: when the source is faster than the broker confirms.</summary>
public enum OverflowPolicy
{
    /// <summary>OnNext blocks the source's thread until there is room. Nothing is lost.</summary>
    Wait,

    /// <summary>OnNext throws <see cref="ErrorCode.BufferFull"/>. The value is not taken; the source decides.</summary>
    Fail,

    /// <summary>The oldest value in the buffer is dropped.</summary>
    DropOldest,

    /// <summary>The new value is dropped.</summary>
    DropNewest,

    /// <summary>All values in the buffer are dropped; only the new one is kept.</summary>
    Latest,
}
