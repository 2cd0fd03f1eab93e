// Whether each request that a transaction's end is made of has had its answer. librdkafka sends a request again whose
// connection broke, or whose answer was late, without a word: the first one may still reach the broker, then in the
// middle of the next transaction. Its error callback does not tell of every broken connection, and tells of those that
// carried nothing.
#pragma once

#include <librdkafka/rdkafka.h>

#include <atomic>

namespace tidemark {

class TransactionRequests {
 public:
  // Watches those of the client that is made of `conf`, and no longer of the one before it, which must be gone. Must
  // outlive it.
  void Install(rd_kafka_conf_t* conf);

  // From here on. REQUIRES: none is under way.
  void Forget() { unanswered_ = false; }
  // Known before such a request is sent again. Any thread.
  bool all_answered() const { return !unanswered_; }

 private:
  std::atomic<bool> unanswered_ = false;  // set by librdkafka's threads
};

}  // namespace tidemark
