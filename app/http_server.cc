#include "app/http_server.h"

#include <fmt/format.h>
#include <httplib.h>
#include <netdb.h>
#include <prometheus/text_serializer.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <sstream>
#include <thread>

namespace tidemark {
namespace {

constexpr size_t kThreads = 16;  // connections that say nothing keep one busy each; a probe is not to wait for them
constexpr time_t kPatienceSeconds = 1;  // with a client that says nothing; also the most that Stop waits for one
constexpr size_t kMaxRequestBytes = 8'192;
constexpr char kMetricsType[] = "text/plain; version=0.0.4; charset=utf-8";
constexpr char kTextType[] = "text/plain; charset=utf-8";

// cpp-httplib's own default sets SO_REUSEPORT: a second process would share the port instead of being refused.
void SetSocketOptions(int socket) {
  const int yes = 1;
  setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
}

// Does what cpp-httplib did, to learn the reason, which it does not tell. Returns an errno; 0: it works now.
int BindAgain(const addrinfo& info) {
  const int socket = ::socket(info.ai_family, info.ai_socktype | SOCK_CLOEXEC, info.ai_protocol);
  if (socket < 0) return errno;
  SetSocketOptions(socket);
  const bool bound = bind(socket, info.ai_addr, info.ai_addrlen) == 0 && listen(socket, 1) == 0;
  const int reason = bound ? 0 : errno;
  close(socket);
  return reason;
}

absl::Status ErrorOfBinding(const HttpOptions& options) {
  const std::string where = fmt::format("{} port {}", options.address, options.port);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* info = nullptr;
  const int unknown = getaddrinfo(options.address.c_str(), std::to_string(options.port).c_str(), &hints, &info);
  if (unknown != 0) {
    return absl::InvalidArgumentError(
        fmt::format("cannot listen on {}: {}. Correct http.address", where, gai_strerror(unknown)));
  }
  const int reason = BindAgain(*info);
  freeaddrinfo(info);
  const std::string message = fmt::format("cannot listen on {}: {}", where, std::strerror(reason));
  if (reason == EACCES) return absl::PermissionDeniedError(message + ". Set http.port to one above 1023");
  if (reason == EADDRNOTAVAIL)
    return absl::InvalidArgumentError(message + ". Set http.address to one of this machine's");
  if (reason == EADDRINUSE)
    return absl::UnavailableError(message + ". Stop what uses it, or set http.port (0: any free one)");
  return absl::UnavailableError(message +
                                ". Set http.address and http.port, or switch it off with http.address = \"\"");
}

void Answer(const std::function<Health()>& probe, httplib::Response& response) {
  const Health health = probe ? probe() : Health{};
  response.status = health.ok ? 200 : 503;
  response.set_content(fmt::format("{}\n", health.detail.empty() ? (health.ok ? "ok" : "not ok") : health.detail),
                       kTextType);
}

}  // namespace

class HttpServer::Impl {
 public:
  Impl(HttpOptions options, HttpCallbacks callbacks) : options_(std::move(options)), callbacks_(std::move(callbacks)) {
    server_.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
    server_.set_socket_options(SetSocketOptions);
    server_.set_keep_alive_max_count(1);  // no connection stays open: Stop has none to wait for
    server_.set_keep_alive_timeout(kPatienceSeconds);
    server_.set_read_timeout(kPatienceSeconds);
    server_.set_write_timeout(kPatienceSeconds);
    server_.set_payload_max_length(kMaxRequestBytes);
    AddPages();
  }

  ~Impl() { Stop(); }

  absl::Status Listen() {
    const int port = options_.port == 0 ? server_.bind_to_any_port(options_.address)
                     : server_.bind_to_port(options_.address, options_.port) ? options_.port
                                                                             : -1;
    if (port <= 0) return ErrorOfBinding(options_);
    port_ = static_cast<uint16_t>(port);
    thread_ = std::thread([this] {
      server_.listen_after_bind();
      ended_ = true;
    });
    while (!server_.is_running() && !ended_) std::this_thread::yield();  // a stop before that would be lost
    return absl::OkStatus();
  }

  void Stop() {
    server_.stop();
    if (thread_.joinable()) thread_.join();
  }

  uint16_t port() const { return port_; }
  const std::string& address() const { return options_.address; }

 private:
  void AddPages() {
    server_.Get("/metrics", [this](const httplib::Request&, httplib::Response& response) {
      std::ostringstream text;
      prometheus::TextSerializer().Serialize(
          text, callbacks_.collect ? callbacks_.collect() : std::vector<prometheus::MetricFamily>());
      response.set_content(text.str(), kMetricsType);
    });
    server_.Get("/livez", [this](const httplib::Request&, httplib::Response& response) {
      Answer(callbacks_.liveness, response);
    });
    server_.Get("/readyz", [this](const httplib::Request&, httplib::Response& response) {
      Answer(callbacks_.readiness, response);
    });
    server_.set_error_handler([](const httplib::Request&, httplib::Response& response) {
      if (response.status == 404)
        response.set_content("not found; there are /metrics, /livez and /readyz\n", kTextType);
    });
  }

  const HttpOptions options_;
  const HttpCallbacks callbacks_;
  httplib::Server server_;
  std::thread thread_;
  std::atomic<bool> ended_{false};
  uint16_t port_ = 0;
};

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(const HttpOptions& options, HttpCallbacks callbacks) {
  auto impl = std::make_unique<Impl>(options, std::move(callbacks));
  if (const absl::Status status = impl->Listen(); !status.ok()) return status;
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() = default;
void HttpServer::Stop() { impl_->Stop(); }
uint16_t HttpServer::port() const { return impl_->port(); }

std::string HttpServer::url() const {
  const std::string& address = impl_->address();
  const bool every = address == "0.0.0.0" || address == "::";
  const std::string host = every                                    ? "127.0.0.1"
                           : address.find(':') == std::string::npos ? address
                                                                    : fmt::format("[{}]", address);
  return fmt::format("http://{}:{}", host, port());
}

}  // namespace tidemark
