// How output records reach a librdkafka producer: KafkaClient's, which has transactions, and that of the benchmark
// which compares it with one that has none. So both send the same bytes in requests of the same size.
#pragma once

#include "ingest/kafka_handle.h"
#include "sinks/kafka_sink.h"

namespace tidemark {

// Settings of such a producer, for `ours` of MakeKafkaConf.
void AddProducerSettings(KafkaProperties& ours);

// Hands the record to the producer, which copies it. An error of code RD_KAFKA_RESP_ERR__QUEUE_FULL asks to poll the
// producer and come again. Any thread.
KafkaError Produce(rd_kafka_t* producer, const OutputRecord& record);

}  // namespace tidemark
