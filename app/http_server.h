// The window: `/metrics` (Prometheus text), `/livez` and `/readyz`, on threads of their own.
//
// The callbacks are called by the server's threads, possibly at once: they must be safe for that, and quick.
// cpp-httplib and prometheus-cpp's serializer are included by http_server.cc only.
#pragma once

#include <prometheus/metric_family.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "app/config.h"

namespace tidemark {

// The answer of a probe: 200 or 503, and a line that says why.
struct Health {
  bool ok = true;
  std::string detail;
};

struct HttpCallbacks {
  std::function<std::vector<prometheus::MetricFamily>()> collect;  // e.g. a prometheus::Registry's Collect
  std::function<Health()> liveness;   // every shard loop turned recently; nothing about brokers
  std::function<Health()> readiness;  // in the group and all assigned partitions running
};

class HttpServer {
 public:
  // Listens from when it returns. Port 0 takes a free one. Errors: kUnavailable when the port is taken,
  // kPermissionDenied, kInvalidArgument when the address is none of this machine's.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(const HttpOptions& options, HttpCallbacks callbacks);

  ~HttpServer();  // stops

  // Ends requests under way and the threads; prompt. Again: nothing.
  void Stop();

  uint16_t port() const;
  std::string url() const;  // "http://127.0.0.1:9480"

 private:
  class Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tidemark
