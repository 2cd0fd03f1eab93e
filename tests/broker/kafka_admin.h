// What the tests ask of a broker, on librdkafka directly: nothing of the code under test is used to check it.
// One thread. Calls wait for the broker's answer; what goes wrong fails the test with the reason.
#pragma once

#include <librdkafka/rdkafka.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tidemark::testing {

struct StoredHeader {
  std::string name;
  std::optional<std::string> value;
  bool operator==(const StoredHeader&) const = default;
};

struct StoredRecord {
  int32_t partition = 0;
  int64_t offset = 0;  // unused in records to be written
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::vector<StoredHeader> headers;
  int64_t timestamp_ms = 0;  // unused in records to be written

  // Of the first header with this name; empty if there is none.
  std::string Header(const std::string& name) const;
};

struct GroupDescription {
  std::string state;  // "Stable" once every member has its partitions
  int members = 0;
};

class KafkaAdmin {
 public:
  explicit KafkaAdmin(const std::string& address);

  bool Answers();
  void CreateTopic(const std::string& name, int partitions, const std::map<std::string, std::string>& settings = {});
  // Gone when it returns.
  void DeleteTopic(const std::string& name);
  void AddPartitions(const std::string& name, int partitions);  // so many in all
  // Everything there is in these partitions.
  void DeleteRecords(const std::string& topic, int partitions);
  // Everybody may do all else with the topic. For a broker with an authorizer (kAuthorizer).
  void Forbid(const std::string& topic, rd_kafka_AclOperation_t operation);
  void ForbidNothing(const std::string& topic);
  GroupDescription Describe(const std::string& group);
  // The next offset of each partition; -1 where nothing was committed.
  std::vector<int64_t> Committed(const std::string& group, const std::string& topic, int partitions);
  // As somebody does with Kafka's own tools while the group has no members.
  void DeleteCommitted(const std::string& group, const std::string& topic, int partitions);
  void Commit(const std::string& group, const std::string& topic, int partition, int64_t offset,
              const std::string& metadata);
  // Where the next record will go, in each partition.
  std::vector<int64_t> Ends(const std::string& topic, int partitions);

  void Write(const std::string& topic, const std::vector<StoredRecord>& records);
  // Writes them in a transaction that stays undecided until CommitTransaction.
  void WriteInTransaction(const std::string& topic, const std::vector<StoredRecord>& records);
  void CommitTransaction();
  // Every record of committed transactions, each partition in order. Waits for the end of those that are open.
  void ForEachCommitted(const std::string& topic, int partitions, const std::function<void(StoredRecord)>& take);
  std::vector<StoredRecord> ReadCommitted(const std::string& topic, int partitions);

 private:
  struct Destroy {
    void operator()(rd_kafka_t* client) const { rd_kafka_destroy(client); }
  };
  using Client = std::unique_ptr<rd_kafka_t, Destroy>;
  using Properties = std::vector<std::pair<std::string, std::string>>;

  bool Knows(const std::string& topic, int partitions);
  bool Exists(const std::string& topic);
  size_t CountRules(const std::string& topic);  // of those that the broker obeys
  Client MakeClient(rd_kafka_type_t type, const Properties& properties) const;

  const std::string address_;
  Client client_;
  Client transaction_;  // the producer of one that is undecided
};

}  // namespace tidemark::testing
