// Generated events through librdkafka into the embedded broker: all of them, a key's events in one partition.
#include "ingest/event_producer.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "ingest/embedded_broker.h"
#include "ingest/topic_reader.h"
#include "ingest/traffic_generator.h"

namespace tidemark {
namespace {

TEST(EventProducer, EveryEventArrivesWithItsKeyInOnePartition) {
  constexpr size_t kEvents = 1000;
  auto broker = EmbeddedBroker::Start();
  ASSERT_TRUE(broker.ok()) << broker.status();
  KafkaOptions options;
  options.brokers = (*broker)->brokers();
  ASSERT_TRUE((*broker)->CreateTopic(options.events_topic, 4).ok());

  std::multimap<std::string, std::string> sent;
  auto producer = EventProducer::Create(options);
  ASSERT_TRUE(producer.ok()) << producer.status();
  TrafficGenerator generator(TrafficOptions{});
  for (size_t i = 0; i < kEvents; ++i) {
    const GeneratedEvent event = generator.Next();
    ASSERT_TRUE((*producer)->Send(event.key, event.value).ok());
    sent.emplace(event.key, event.value);
  }
  ASSERT_TRUE((*producer)->Flush().ok());
  EXPECT_EQ((*producer)->delivered(), kEvents);
  EXPECT_EQ((*producer)->failed(), 0);

  auto reader = TopicReader::Open(options, {options.events_topic});
  ASSERT_TRUE(reader.ok()) << reader.status();
  std::multimap<std::string, std::string> received;
  std::map<std::string, int32_t> partition_of;
  const auto take = [&](const ReadRecord& record) {
    const std::string key(record.key.value());
    EXPECT_EQ(partition_of.emplace(key, record.partition.value).first->second, record.partition.value);
    received.emplace(key, record.value.value());
  };
  while (received.size() < kEvents && (*reader)->Read(Seconds(10), take) > 0) {
  }
  EXPECT_EQ(received, sent);
}

}  // namespace
}  // namespace tidemark
