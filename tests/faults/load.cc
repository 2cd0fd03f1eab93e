#include "tests/faults/load.h"

#include <librdkafka/rdkafka.h>

#include <array>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <vector>

#include "ingest/kafka_handle.h"
#include "ingest/random.h"
#include "ingest/traffic_generator.h"

namespace tidemark::testing {
namespace {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::milliseconds;

constexpr Milliseconds kTurn{20};
constexpr Duration kRampUp = Minutes(6);  // of event time, until as many visits end as begin
constexpr int kFlushMs = 120'000;

TrafficOptions TrafficOf(const LoadOptions& options) {
  TrafficOptions traffic;
  traffic.seed = options.seed;
  traffic.visitors = TrafficGenerator::VisitorsFor(options.events_per_second / options.event_time_speed);
  traffic.mix = TrafficMix::kMixed;
  traffic.small = true;
  traffic.disorder = 0.05;
  traffic.late = 0.01;
  traffic.duplicates = 0.02;
  traffic.garbage = 0.005;
  return traffic;
}

// What is delivered late is delivered all the same: the broker comes back.
rd_kafka_t* NewProducer(const std::string& address, std::atomic<uint64_t>* failed) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  std::array<char, 512> error{};
  const std::array<std::array<const char*, 2>, 4> properties = {{{"bootstrap.servers", address.c_str()},
                                                                 {"enable.idempotence", "true"},
                                                                 {"message.timeout.ms", "0"},
                                                                 {"reconnect.backoff.max.ms", "500"}}};
  for (const auto& [name, value] : properties) rd_kafka_conf_set(conf, name, value, error.data(), error.size());
  rd_kafka_conf_set_opaque(conf, failed);
  rd_kafka_conf_set_log_cb(conf, [](const rd_kafka_t*, int, const char*, const char*) {});
  rd_kafka_conf_set_dr_msg_cb(conf, [](rd_kafka_t*, const rd_kafka_message_t* message, void* count) {
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) ++*static_cast<std::atomic<uint64_t>*>(count);
  });
  rd_kafka_t* producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error.data(), error.size());
  if (producer == nullptr) throw std::runtime_error(error.data());
  return producer;
}

// Which partitions are quiet until when, and whether event time stands still meanwhile.
class QuietSpells {
 public:
  QuietSpells(int partitions, uint64_t seed) : random_(seed), quiet_until_(static_cast<size_t>(partitions)) {}

  // Whether a new one begins.
  bool Turn(Clock::time_point now) {
    if (next_ == Clock::time_point()) next_ = now + Between(2'000, 6'000);
    if (now < next_) return false;
    const auto end = now + Between(2'500, 5'000);
    const bool all = random_.Below(4) == 0;
    for (auto& until : quiet_until_) {
      if (all || random_.Below(3) == 0) until = end;
    }
    if (all && random_.Below(2) == 0) still_until_ = end;
    next_ = end + Between(1'000, 5'000);
    return true;
  }

  bool IsQuiet(int partition, Clock::time_point now) const {
    return now < quiet_until_[static_cast<size_t>(partition)];
  }
  bool StandsStill(Clock::time_point now) const { return now < still_until_; }

 private:
  Milliseconds Between(int64_t low, int64_t high) { return Milliseconds(random_.Between(low, high)); }

  Random random_;
  std::vector<Clock::time_point> quiet_until_;
  Clock::time_point still_until_, next_;
};

}  // namespace

Load::Load(const LoadOptions& options) : options_(options), thread_(&Load::Run, this) {}

Load::~Load() { Stop(); }

bool Load::Stop() {
  stop_ = true;
  if (thread_.joinable()) thread_.join();
  return failed_ == 0;
}

void Load::Run() {
  const KafkaClientHandle producer(NewProducer(options_.address, &failed_));
  TrafficGenerator generator(TrafficOf(options_));
  QuietSpells spells(options_.partitions, options_.seed + 1);
  const EventTime beginning = generator.next_time() + kRampUp;
  while (generator.next_time() < beginning) generator.Next();
  EventTime event_time = beginning;
  Clock::time_point last = Clock::now();
  while (!stop_) {
    std::this_thread::sleep_for(kTurn);
    const Clock::time_point now = Clock::now();
    quiet_spells_ += spells.Turn(now);
    if (!spells.StandsStill(now)) {
      const auto passed = std::chrono::duration_cast<Milliseconds>(now - last);
      event_time = event_time + tidemark::Milliseconds(passed.count()) * options_.event_time_speed;
    }
    last = now;
    while (generator.next_time() <= event_time) {
      const GeneratedEvent event = generator.Next();
      const int32_t partition = PartitionOfKey(event.key, static_cast<uint32_t>(options_.partitions));
      if (spells.IsQuiet(partition, now)) continue;  // what happens then, nobody writes
      const rd_kafka_resp_err_t error =
          rd_kafka_producev(producer.get(), RD_KAFKA_V_TOPIC(options_.topic.c_str()), RD_KAFKA_V_PARTITION(partition),
                            RD_KAFKA_V_KEY(event.key.data(), event.key.size()),
                            RD_KAFKA_V_VALUE(const_cast<char*>(event.value.data()), event.value.size()),
                            RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
      written_ += error == RD_KAFKA_RESP_ERR_NO_ERROR;
    }
    rd_kafka_poll(producer.get(), 0);
  }
  if (rd_kafka_flush(producer.get(), kFlushMs) != RD_KAFKA_RESP_ERR_NO_ERROR) ++failed_;
}

}  // namespace tidemark::testing
