#include "ingest/event_producer.h"

#include <fmt/format.h>

namespace tidemark {
namespace {

constexpr int kPollMs = 100;

}  // namespace

absl::StatusOr<std::unique_ptr<EventProducer>> EventProducer::Create(const KafkaOptions& options) {
  auto conf = MakeKafkaConf(options, {{"enable.idempotence", "true"},
                                      {"partitioner", "murmur2_random"},
                                      {"linger.ms", "20"},
                                      {"compression.type", "lz4"},
                                      {"queue.buffering.max.kbytes", "65536"}});
  if (!conf.ok()) return conf.status();
  std::unique_ptr<EventProducer> self(new EventProducer(options.events_topic));
  rd_kafka_conf_set_opaque(conf->get(), self.get());
  rd_kafka_conf_set_dr_msg_cb(conf->get(), [](rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
    static_cast<EventProducer*>(opaque)->OnDelivery(*message);
  });
  auto producer = MakeKafkaClient(RD_KAFKA_PRODUCER, *std::move(conf));
  if (!producer.ok()) return producer.status();
  self->producer_ = *std::move(producer);
  return self;
}

absl::Status EventProducer::Send(std::string_view key, std::string_view value, const std::function<bool()>& give_up) {
  for (;;) {
    const rd_kafka_resp_err_t code =
        rd_kafka_producev(producer_.get(), RD_KAFKA_V_TOPIC(topic_.c_str()), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                          RD_KAFKA_V_KEY(key.data(), key.size()),
                          RD_KAFKA_V_VALUE(const_cast<char*>(value.data()), value.size()), RD_KAFKA_V_END);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) break;
    if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
      return KafkaStatus("cannot write to the topic " + topic_, code, rd_kafka_err2str(code));
    }
    if (give_up && give_up()) return absl::UnavailableError("the brokers take no events; check kafka.brokers");
    rd_kafka_poll(producer_.get(), kPollMs);
  }
  rd_kafka_poll(producer_.get(), 0);
  return absl::OkStatus();
}

absl::Status EventProducer::Flush(const std::function<bool()>& give_up) {
  while (rd_kafka_flush(producer_.get(), kPollMs) == RD_KAFKA_RESP_ERR__TIMED_OUT) {
    if (!give_up || !give_up()) continue;
    return absl::UnavailableError(fmt::format("{} events are not delivered to the topic {}; check kafka.brokers",
                                              rd_kafka_outq_len(producer_.get()), topic_));
  }
  if (failed_ == 0) return absl::OkStatus();
  return absl::UnavailableError(
      fmt::format("{} events were not delivered to the topic {}: {}", failed_, topic_, first_failure_));
}

void EventProducer::OnDelivery(const rd_kafka_message_t& message) {
  if (message.err == RD_KAFKA_RESP_ERR_NO_ERROR) {
    ++delivered_;
    return;
  }
  if (failed_++ == 0) first_failure_ = rd_kafka_err2str(message.err);
}

}  // namespace tidemark
