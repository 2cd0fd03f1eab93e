// The fixture of every test here: a Kafka of its own, and settings that point tidemark at it.
//
// Each test is a process of its own under ctest, so nothing of one test is left for the next.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/broker/kafka_admin.h"
#include "tests/broker/kafka_server.h"
#include "tests/broker/tidemark_process.h"

namespace tidemark::testing {

constexpr std::chrono::seconds kPatience{60};  // for what takes a moment: the limit of a wait, never its length

class BrokerTest : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  // Fails the test if it does not come up. `properties`: more lines of server.properties.
  void StartKafka(uint16_t port = 0, const std::string& properties = "");
  KafkaServer& kafka() { return *kafka_; }
  KafkaAdmin& admin() { return *admin_; }
  const std::string& directory() const { return directory_; }

  // Where Kafka is, and no quiet partitions: only events move the watermark, as in a replay.
  Settings BaseSettings() const;
  void CreateTopics(int partitions);

 private:
  std::string directory_;
  std::unique_ptr<KafkaServer> kafka_;
  std::unique_ptr<KafkaAdmin> admin_;
};

}  // namespace tidemark::testing
