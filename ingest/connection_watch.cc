#include "ingest/connection_watch.h"

#include <fmt/format.h>

namespace tidemark {
namespace {

constexpr char kName[] = "tidemark";

}  // namespace

void ConnectionWatch::Install(rd_kafka_conf_t* conf) {
  const auto on_new = [](rd_kafka_t* client, const rd_kafka_conf_t*, void* self, char*, size_t) {
    const auto on_state = [](rd_kafka_t*, int32_t id, const char*, const char* name, int port, const char* state,
                             void* watch) {
      static_cast<ConnectionWatch*>(watch)->OnState(fmt::format("{}/{}:{}", id, name, port), state);
      return RD_KAFKA_RESP_ERR_NO_ERROR;
    };
    return rd_kafka_interceptor_add_on_broker_state_change(client, kName, on_state, self);
  };
  up_.clear();
  broke_ = false;
  rd_kafka_conf_interceptor_add_on_new(conf, kName, on_new, this);
}

// A connection that did not come about has carried nothing.
void ConnectionWatch::OnState(const std::string& broker, const std::string& state) {
  const std::lock_guard lock(mutex_);
  if (state == "UP") up_.insert(broker);
  if (state == "DOWN" && up_.erase(broker) > 0) broke_ = true;
}

}  // namespace tidemark
