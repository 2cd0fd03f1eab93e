// Whether a connection of a client broke. librdkafka sends a request again whose connection broke, without a word; and
// its error callback is silent where the same error was told half a minute ago, or where log.connection.close is off.
// The states of its connections are always told.
#pragma once

#include <librdkafka/rdkafka.h>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <set>
#include <string>

namespace tidemark {

class ConnectionWatch {
 public:
  // Watches the client that is made of `conf`, and no longer the one before it, which must be gone. Must outlive it.
  void Install(rd_kafka_conf_t* conf);

  void Forget() { broke_ = false; }
  // Whether one that had been up broke since Forget. Known before a request is sent again. Any thread.
  bool broke() const { return broke_; }

 private:
  void OnState(const std::string& broker, const std::string& state);  // librdkafka's threads

  std::mutex mutex_;
  std::set<std::string> up_;
  std::atomic<bool> broke_ = false;
};

}  // namespace tidemark
