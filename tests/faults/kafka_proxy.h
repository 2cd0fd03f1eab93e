// A TCP proxy between Kafka clients and a broker that knows where a request or an answer begins, so that it can do to
// one of them what a network does: lose it, hold it up, deliver it after the client has given up.
//
// One thread of its own moves the bytes; every other call may come from any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <thread>

namespace tidemark::testing {

// What happens to an EndTxn, the request that decides a transaction.
enum class EndTxnFault : uint8_t {
  kNone,
  kAnswerLost,       // it is carried out; the connection breaks before the answer arrives
  kAnswerSwallowed,  // it is carried out; nothing is heard on this connection any more
  kAnswerLate,       // the answer comes after a delay
  kRequestLate,      // the connection breaks at once; the broker hears of the request after a delay
};

class KafkaProxy {
 public:
  using Milliseconds = std::chrono::milliseconds;

  KafkaProxy();  // listens on a free port of the loopback interface
  ~KafkaProxy();
  KafkaProxy(const KafkaProxy&) = delete;
  KafkaProxy& operator=(const KafkaProxy&) = delete;

  uint16_t port() const { return port_; }
  // Begins to take connections and hands them on to this port.
  void Start(uint16_t broker_port);

  // Done once, to the next EndTxn of any client. kNone: not any more.
  void Arm(EndTxnFault fault, Milliseconds delay);
  int triggered() const { return triggered_; }
  // Breaks all connections.
  void CutAll() { cut_wanted_ = true; }

 private:
  class Link;
  struct Armed {
    EndTxnFault fault = EndTxnFault::kNone;
    Milliseconds delay{0};
  };

  void Run();
  void AcceptLink();
  Armed TakeArmed();

  int listener_ = -1;
  uint16_t port_ = 0;
  uint16_t broker_port_ = 0;
  std::mutex mutex_;  // guards armed_
  Armed armed_;
  std::atomic<int> triggered_{0};
  std::atomic<bool> cut_wanted_{false};
  std::atomic<bool> stop_{false};
  std::list<std::unique_ptr<Link>> links_;  // the thread's
  std::thread thread_;
};

}  // namespace tidemark::testing
