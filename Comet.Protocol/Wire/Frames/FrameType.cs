namespace Comet.Wire;

/// <summary>What a frame is. C→S: client to broker; S→C: broker to client. Numbers are on the wire.</summary>
internal enum FrameType : byte
{
    // Connection
    Hello = 1,              // C→S, first
    Welcome = 2,            // S→C, answer to Hello
    Ok = 3,                 // S→C, answer without content
    Error = 4,              // both; an answer with a correlation id, or the reason for a close with id 0
    Ping = 5,               // both
    Pong = 6,               // both
    Goodbye = 7,            // both: no new work from here on; the sender closes when its answers are out

    // Topics
    CreateTopic = 16,       // C→S → Ok
    DeleteTopic = 17,       // C→S → Ok
    ListTopics = 18,        // C→S → TopicList
    TopicList = 19,
    DescribeTopic = 20,     // C→S → TopicInfo
    TopicInfo = 21,
    LookupTopic = 22,       // C→S → TopicLocation
    TopicLocation = 23,
    UpdateTopic = 24,       // C→S → Ok
    TopicChanged = 25,      // S→C notice to who has looked the topic up: it has more partitions
    CreateSubscription = 26, // C→S → Ok

    // Producing
    CreateProducer = 32,    // C→S → ProducerReady
    ProducerReady = 33,
    Publish = 34,           // C→S → Published | Error; payload: one record batch
    Published = 35,
    CloseProducer = 36,     // C→S → Ok
    ProducerClosed = 37,    // S→C notice

    // Consuming
    Subscribe = 48,         // C→S → Subscribed
    Subscribed = 49,
    Permits = 50,           // C→S, no answer
    Deliver = 51,           // S→C; payload: one record batch
    Ack = 52,               // C→S → Ok when it has a correlation id
    Nack = 53,              // C→S → Ok when it has a correlation id
    CloseConsumer = 54,     // C→S → Ok
    ConsumerClosed = 55,    // S→C notice
    ConsumerProgress = 56,  // S→C notice: the heartbeat of a consumer
    Unsubscribe = 57,       // C→S → Ok
    ExtendLease = 58,       // C→S → Ok when it has a correlation id
    DeadLetter = 59,        // C→S → Ok when it has a correlation id
    ConsumerActivity = 60,  // S→C notice: failover
    LeaseLost = 61,         // S→C notice

    // Scheduled messages
    CancelScheduled = 64,   // C→S → ScheduleResult
    Reschedule = 65,        // C→S → ScheduleResult
    CountScheduled = 66,    // C→S → ScheduleResult
    ScheduleResult = 67,
    ListScheduled = 68,     // C→S → ScheduledPage
    ScheduledPage = 69,

    // Places in a topic
    Seek = 72,              // C→S → Sought
    Sought = 73,

    // Diagnosis
    ExplainSubscription = 76, // C→S → SubscriptionExplained
    SubscriptionExplained = 77,
    DescribeHealth = 78,    // C→S → Health
    Health = 79,
}
