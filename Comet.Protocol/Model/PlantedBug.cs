namespace Comet;

/// <summary>Faults that a test has the product make, to see that its checkers notice (tests/Comet.Simulation.Tests). Internal, and in no
/// option that a configuration could bind: production cannot plant one. Each is asked for at one rare place (per command or
/// attachment, never per message), through the settings of the part that makes it.</summary>
internal enum PlantedBug
{
    /// <summary>None: the product as it is.</summary>
    None,

    /// <summary>The broker moves the cursor when it delivers, and not when it is acked.</summary>
    CursorMovedBeforeAck,

    /// <summary>What was given back is delivered again twice.</summary>
    DuplicateAfterRedelivery,

    /// <summary>Delays are a tenth shorter than asked for.</summary>
    EarlyDelay,

    /// <summary>Scheduled messages are released three tenths of a second before their time, where something happens then.</summary>
    ScheduledTooEarly,

    /// <summary>A key range whose holder has gone is not handed on.</summary>
    StuckKeyRange,

    /// <summary>The client grants no permits when it attaches again.</summary>
    PermitsNotGrantedAfterReconnect,

    /// <summary>The broker confirms an ack and forgets it.</summary>
    AckedMessageRedelivered,

    /// <summary>Retention drops what a subscription has not acked.</summary>
    RetentionEatsUnacked,

    /// <summary>The broker forgets a producer's sequence ids when it attaches again.</summary>
    DedupLost,

    /// <summary>The broker takes a nack or an extension of an earlier delivery for one of the newest.</summary>
    LateNackTaken,
}
