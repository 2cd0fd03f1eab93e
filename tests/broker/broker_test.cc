#include "tests/broker/broker_test.h"

#include <cstdlib>
#include <filesystem>

namespace tidemark::testing {

void BrokerTest::SetUp() {
  std::string pattern = std::filesystem::temp_directory_path().string() + "/tidemark-broker-test-XXXXXX";
  ASSERT_NE(mkdtemp(pattern.data()), nullptr);
  directory_ = pattern;
}

void BrokerTest::TearDown() {
  admin_.reset();
  kafka_.reset();
  if (HasFailure()) {
    std::cerr << "Logs are kept in " << directory_ << '\n';
  } else {
    std::filesystem::remove_all(directory_);
  }
}

void BrokerTest::StartKafka(uint16_t port, const std::string& properties) {
  kafka_ = KafkaServer::Start(directory_ + "/kafka", {.port = port, .properties = properties});
  ASSERT_TRUE(kafka_);
  admin_ = std::make_unique<KafkaAdmin>(kafka_->address());
}

Settings BrokerTest::BaseSettings() const {
  return {{"kafka.brokers", kafka_ ? kafka_->address() : ""}, {"time.idle_partition_after", "1d"}};
}

void BrokerTest::CreateTopics(int partitions) {
  Settings settings = BaseSettings();
  settings["kafka.partitions"] = std::to_string(partitions);
  const Finished created = RunTidemark("topics", {"--create"}, settings, directory());
  ASSERT_EQ(created.exit_code, 0) << created.errors;
}

}  // namespace tidemark::testing
