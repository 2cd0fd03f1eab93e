// A consumer that is told which partitions to read and is read in batches: what a shard reads events with, and its
// state.
//
// It fetches a little ahead of its reader and no further, so that what waits stays in the processor's caches and in
// memory that is used over and over. With hundreds of megabytes waiting, each page is fresh from the kernel and every
// byte comes from main memory (bench/README.md). librdkafka stops fetching when `queued.max.messages.kbytes` wait.
// From release 2.2 on it looks again after `fetch.queue.backoff.ms`; before, it does when something wakes the broker's
// thread, or a second later. There a reader that has taken half of what waited wakes it.
//
// One thread makes all calls; librdkafka's callbacks run inside Next and Close.
#pragma once

#include <absl/status/status.h>
#include <librdkafka/rdkafka.h>

#include <optional>
#include <span>
#include <vector>

#include "ingest/clock.h"
#include "ingest/kafka_handle.h"

namespace tidemark {

class BatchConsumer {
 public:
  BatchConsumer() = default;
  ~BatchConsumer() { Close(); }
  BatchConsumer(const BatchConsumer&) = delete;
  BatchConsumer& operator=(const BatchConsumer&) = delete;

  // How far it fetches ahead: settings for `ours` of MakeKafkaConf. librdkafka refuses fetches smaller than the
  // `message.max.bytes` of `options`.
  static void AddReadAhead(const KafkaOptions& options, KafkaProperties& ours);

  // InvalidArgument as MakeKafkaClient. Whatever it was before must have been closed or abandoned.
  absl::Status Open(KafkaConf conf);
  rd_kafka_t* get() const { return consumer_.get(); }

  // rd_kafka_assign: from now on these are read, from their offsets, and nothing else; nothing at all for nullptr.
  // Before each but the first it waits, a tenth of a second at most, for the one before to have come into effect:
  // librdkafka may abort the process when a partition is to stop for the second time before it has
  // (confluentinc/librdkafka#5573).
  rd_kafka_resp_err_t Assign(const rd_kafka_topic_partition_list_t* partitions);

  // At most `limit` (at least 1) of what there is: records, ends of partitions, errors. Waits for the first of them as
  // long as it must, but not for more of them. Empty after `timeout`. Valid until the next call of Next, Close or
  // Abandon.
  std::span<const rd_kafka_message_t* const> Next(Duration timeout, size_t limit);

  // Leaves the group, if it is in one. May be called again.
  void Close();
  // Without leaving: for a consumer that its group does not know any more.
  void Abandon();

 private:
  void DropBatch();
  void KeepFetching(size_t waited_before);

  KafkaClientHandle consumer_;
  KafkaQueue queue_;
  std::vector<rd_kafka_message_t*> batch_;
  std::optional<MonotonicTime> assigned_at_;
  KafkaPartitions assigned_;
  uint64_t read_ahead_bytes_ = 0;
  size_t most_waiting_ = 0;  // messages, since fetching was last looked after
};

}  // namespace tidemark
