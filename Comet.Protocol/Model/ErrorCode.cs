namespace Comet;

/// <summary>Why an operation failed. Numbers are stable: they are on the wire and in logs. One entry per distinct remedy.</summary>
/// <remarks>Codes from 1 to 99 are faults of a connection or a frame, 100 to 199 of a name or an argument, 200 to 299 of a
/// topic, producer or subscription, 300 to 399 of storage and limits, 400 and above of the client's own waiting.</remarks>
public enum ErrorCode
{
    /// <summary>No error.</summary>
    None = 0,
    /// <summary>The peer broke the protocol: an unknown or unexpected frame, or a header that does not decode. Not transient.</summary>
    ProtocolViolation = 1,
    /// <summary>A length on the wire is beyond the negotiated limit. Not transient.</summary>
    FrameTooLarge = 2,
    /// <summary>The two sides share no protocol version. Not transient: update one of them.</summary>
    UnsupportedVersion = 3,
    /// <summary>The broker does not have the header codec that the client asked for. Not transient.</summary>
    UnsupportedCodec = 4,
    /// <summary>A record batch is truncated, its checksum does not match, or its records do not add up. Not transient.</summary>
    CorruptBatch = 5,
    /// <summary>A record batch is compressed in a way the receiver does not know. Not transient.</summary>
    UnsupportedCompression = 6,
    /// <summary>What answers at the address does not speak the Comet protocol. Not transient: check host, port and TLS.</summary>
    NotComet = 7,
    /// <summary>The broker ended the connection before Welcome, or refused the credentials or the certificate. Not transient.</summary>
    AuthenticationFailed = 8,
    /// <summary>The certificate of the broker is not trusted, or is for another host. Not transient.</summary>
    CertificateRejected = 9,
    /// <summary>Nothing answers at the address (refused, unreachable, or the name does not resolve). Transient.</summary>
    ConnectFailed = 10,
    /// <summary>The connection was lost while an operation was on its way; its outcome is unknown. Transient.</summary>
    ConnectionLost = 11,
    /// <summary>The peer sent nothing for longer than the heartbeat allows. Transient.</summary>
    HeartbeatTimeout = 12,
    /// <summary>The handshake did not finish within its time. Transient.</summary>
    HandshakeTimeout = 13,
    /// <summary>A second Hello, or a frame before Hello. Not transient.</summary>
    UnexpectedHandshake = 14,

    /// <summary>A topic, subscription, producer or consumer name breaks the rules for names. Not transient.</summary>
    InvalidName = 100,
    /// <summary>An argument is out of its range; the message names it. Not transient.</summary>
    InvalidArgument = 101,
    /// <summary>The broker, in this mode, does not support what was asked. Not transient.</summary>
    Unsupported = 102,
    /// <summary>The caller may not do this. Not transient.</summary>
    NotAuthorized = 103,

    /// <summary>The topic does not exist and is not created on first use. Not transient.</summary>
    TopicNotFound = 200,
    /// <summary>The topic exists already. Not transient.</summary>
    TopicAlreadyExists = 201,
    /// <summary>The topic was deleted while it was in use. Not transient.</summary>
    TopicDeleted = 202,
    /// <summary>The topic has fewer partitions than the number asked for. Not transient.</summary>
    PartitionNotFound = 203,
    /// <summary>Another node owns the partition; the error names it. Transient.</summary>
    NotOwner = 204,
    /// <summary>The subscription does not exist. Not transient.</summary>
    SubscriptionNotFound = 210,
    /// <summary>The subscription exists with another type. Not transient.</summary>
    SubscriptionTypeMismatch = 211,
    /// <summary>The subscription is exclusive and has a consumer already. Transient: that consumer may leave.</summary>
    ConsumerBusy = 212,
    /// <summary>A consumer of this name is attached to the subscription already. Not transient.</summary>
    ConsumerNameTaken = 213,
    /// <summary>The consumer is not attached (any more). Transient: attach again.</summary>
    ConsumerNotFound = 214,
    /// <summary>The subscription still has consumers. Transient.</summary>
    SubscriptionInUse = 215,
    /// <summary>The topic has an exclusive producer, or has producers and exclusive access was asked for. Transient.</summary>
    ProducerBusy = 220,
    /// <summary>A newer producer of the same name, or a newer exclusive one, has taken over. Not transient.</summary>
    ProducerFenced = 221,
    /// <summary>The producer is not attached (any more). Transient: attach again.</summary>
    ProducerNotFound = 222,
    /// <summary>A sequence id is not the one that should follow. Not transient.</summary>
    SequenceOutOfOrder = 223,
    /// <summary>The subscription was moved to another place in the topic; its consumers attach again. Transient.</summary>
    SubscriptionMoved = 224,
    /// <summary>The subscription exists already. Not transient.</summary>
    SubscriptionAlreadyExists = 225,

    /// <summary>The memory of the broker, or of the partition, is full. Transient: consume, or raise the limit.</summary>
    StorageFull = 300,
    /// <summary>Storage failed; the partition is offline. Transient: the broker may recover.</summary>
    StorageFailed = 301,
    /// <summary>A limit of the broker on connections, producers, consumers or topics is reached. Transient.</summary>
    LimitExceeded = 302,
    /// <summary>The message is larger than the broker takes. Not transient.</summary>
    MessageTooLarge = 303,
    /// <summary>The broker is stopping. Transient: another node, or the same one after its restart.</summary>
    BrokerStopping = 304,
    /// <summary>The broker failed in a way it did not foresee; its log tells more. Transient.</summary>
    InternalError = 305,
    /// <summary>A peer does not read what is sent to it. Transient.</summary>
    SlowConsumer = 306,
    /// <summary>A subscription's backlog has reached the topic's quota. Transient: consume, delete the subscription, or raise the
    /// quota.</summary>
    BacklogQuotaExceeded = 320,

    /// <summary>As many messages wait for their time as the broker holds (MaxScheduledMessages). Transient: some become due, or are
    /// cancelled.</summary>
    ScheduleLimitReached = 310,

    /// <summary>An operation did not finish within its deadline; its outcome may be unknown. Transient.</summary>
    Timeout = 400,
    /// <summary>The client, producer or consumer is closed. Not transient.</summary>
    Closed = 401,
    /// <summary>A payload does not decode as the wanted type. Not transient.</summary>
    UndecodablePayload = 402,
    /// <summary>A value could not be serialized. Not transient.</summary>
    UnserializableValue = 403,
    /// <summary>A bounded buffer on the client is full, and its overflow policy is to fail. Transient.</summary>
    BufferFull = 404,
}
