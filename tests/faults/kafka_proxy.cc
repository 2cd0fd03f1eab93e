#include "tests/faults/kafka_proxy.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <deque>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark::testing {
namespace {

using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;

constexpr int kTurnMs = 10;
constexpr int16_t kEndTxnKey = 26;
constexpr size_t kBlockBytes = 64 << 10;
constexpr size_t kHoldBytes = 4 << 20;  // with so much unwritten, no more is read

uint32_t BigEndian(std::string_view bytes, size_t at, size_t size) {
  uint32_t value = 0;
  for (size_t i = 0; i < size; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

sockaddr_in Loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

void Prepare(int socket) {
  fcntl(socket, F_SETFL, O_NONBLOCK);
  const int on = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

int Connect(uint16_t port) {
  const int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Loopback(port);
  if (connect(connection, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    close(connection);
    return -1;
  }
  return connection;
}

// One end of a link: what came from it and is no whole frame yet, and what is to be written to it, and when.
struct End {
  struct Chunk {
    Time not_before;
    std::string bytes;
  };

  int socket = -1;
  std::string partial;
  std::deque<Chunk> queue;
  size_t written = 0;  // of the queue's front
  size_t queued = 0;

  ~End() { Close(); }
  void Close() {
    if (socket >= 0) close(socket);
    socket = -1;
  }

  void Put(std::string bytes, Time not_before) {
    if (!queue.empty()) not_before = std::max(not_before, queue.back().not_before);  // never out of order
    queued += bytes.size();
    queue.push_back({not_before, std::move(bytes)});
  }
  bool MayWrite(Time now) const { return socket >= 0 && !queue.empty() && queue.front().not_before <= now; }

  // False: the connection is broken.
  bool Write() {
    End::Chunk& chunk = queue.front();
    const ssize_t n = send(socket, chunk.bytes.data() + written, chunk.bytes.size() - written, MSG_NOSIGNAL);
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    written += static_cast<size_t>(n);
    if (written < chunk.bytes.size()) return true;
    queued -= written;
    written = 0;
    queue.pop_front();
    return true;
  }

  // False: the connection is broken or closed.
  bool Read() {
    std::array<char, kBlockBytes> block;
    const ssize_t n = recv(socket, block.data(), block.size(), 0);
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    partial.append(block.data(), static_cast<size_t>(n));
    return n > 0;
  }

  // The next whole frame, with its length before it.
  std::optional<std::string> TakeFrame() {
    if (partial.size() < 4) return std::nullopt;
    const size_t size = 4 + BigEndian(partial, 0, 4);
    if (partial.size() < size) return std::nullopt;
    std::string frame = partial.substr(0, size);
    partial.erase(0, size);
    return frame;
  }
};

// Frame: length, then api key (2 bytes), version (2), correlation id (4) of a request; correlation id of an answer.
bool IsEndTxn(const std::string& request) { return request.size() >= 12 && BigEndian(request, 4, 2) == kEndTxnKey; }
uint32_t CorrelationOfRequest(const std::string& request) { return BigEndian(request, 8, 4); }
uint32_t CorrelationOfAnswer(const std::string& answer) { return answer.size() >= 8 ? BigEndian(answer, 4, 4) : 0; }

}  // namespace

// A client's connection and the one to the broker that belongs to it.
class KafkaProxy::Link {
 public:
  Link(KafkaProxy& proxy, int client, int broker) : proxy_(proxy) {
    client_.socket = client;
    broker_.socket = broker;
    Prepare(client);
    Prepare(broker);
  }

  void AddTo(std::vector<pollfd>& polled, Time now) const {
    Add(polled, client_, broker_, now);
    Add(polled, broker_, client_, now);
  }

  // `ready`: what poll says of the client's and the broker's socket. False: the link is done with.
  bool Turn(const pollfd* ready, Time now) {
    bool good = TurnEnd(client_, ready[0].revents, now);
    if (!good && outlives_client_) {
      client_.Close();
      good = true;
    }
    good = TurnEnd(broker_, ready[1].revents, now) && good;
    while (const auto request = client_.TakeFrame()) OnRequest(*request, now);
    while (good && !broken_) {
      const auto answer = broker_.TakeFrame();
      if (!answer) break;
      OnAnswer(*answer, now);
    }
    return good && !broken_;
  }

 private:
  static void Add(std::vector<pollfd>& polled, const End& end, const End& other, Time now) {
    const bool reads = other.queued < kHoldBytes;
    polled.push_back({end.socket, static_cast<short>((reads ? POLLIN : 0) | (end.MayWrite(now) ? POLLOUT : 0)), 0});
  }

  static bool TurnEnd(End& end, short events, Time now) {
    if (end.socket < 0) return true;
    if ((events & POLLOUT) != 0 && end.MayWrite(now) && !end.Write()) return false;
    return (events & (POLLIN | POLLHUP | POLLERR)) == 0 || end.Read();
  }

  void OnRequest(const std::string& request, Time now) {
    if (silent_) return;
    Time when = now;
    if (hit_.fault == EndTxnFault::kNone && IsEndTxn(request)) {
      hit_ = proxy_.TakeArmed();
      hit_correlation_ = CorrelationOfRequest(request);
      if (hit_.fault == EndTxnFault::kRequestLate) {
        when += hit_.delay;
        outlives_client_ = true;
        client_.Close();
      }
    }
    broker_.Put(request, when);
  }

  void OnAnswer(const std::string& answer, Time now) {
    const bool hit = hit_.fault != EndTxnFault::kNone && CorrelationOfAnswer(answer) == hit_correlation_;
    if (silent_ || !hit) {
      if (!silent_ && client_.socket >= 0) client_.Put(answer, now);
      return;
    }
    switch (hit_.fault) {
      case EndTxnFault::kAnswerLost:
      case EndTxnFault::kRequestLate:
        broken_ = true;
        break;
      case EndTxnFault::kAnswerSwallowed:
        silent_ = true;
        break;
      default:
        client_.Put(answer, now + hit_.delay);
        break;
    }
    hit_ = {};
  }

  KafkaProxy& proxy_;
  End client_, broker_;
  Armed hit_;
  uint32_t hit_correlation_ = 0;
  bool silent_ = false;
  bool outlives_client_ = false;
  bool broken_ = false;
};

KafkaProxy::KafkaProxy() {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof address;
  if (bind(listener_, reinterpret_cast<const sockaddr*>(&address), size) != 0 || listen(listener_, 64) != 0) {
    throw std::runtime_error("the proxy cannot listen");
  }
  getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  fcntl(listener_, F_SETFL, O_NONBLOCK);
}

KafkaProxy::~KafkaProxy() {
  stop_ = true;
  if (thread_.joinable()) thread_.join();
  links_.clear();
  close(listener_);
}

void KafkaProxy::Start(uint16_t broker_port) {
  broker_port_ = broker_port;
  thread_ = std::thread(&KafkaProxy::Run, this);
}

void KafkaProxy::Arm(EndTxnFault fault, Milliseconds delay) {
  const std::lock_guard lock(mutex_);
  armed_ = {fault, delay};
}

KafkaProxy::Armed KafkaProxy::TakeArmed() {
  const std::lock_guard lock(mutex_);
  const Armed taken = armed_;
  armed_ = {};
  if (taken.fault != EndTxnFault::kNone) ++triggered_;
  return taken;
}

void KafkaProxy::AcceptLink() {
  const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (client < 0) return;
  const int broker = Connect(broker_port_);
  if (broker < 0) {
    close(client);
  } else {
    links_.push_back(std::make_unique<Link>(*this, client, broker));
  }
}

void KafkaProxy::Run() {
  std::vector<pollfd> polled;
  while (!stop_) {
    polled.assign(1, {listener_, POLLIN, 0});
    for (const auto& link : links_) link->AddTo(polled, Clock::now());
    poll(polled.data(), polled.size(), kTurnMs);
    const Time now = Clock::now();
    size_t at = 1;
    for (auto link = links_.begin(); link != links_.end(); at += 2) {
      link = (*link)->Turn(&polled[at], now) ? std::next(link) : links_.erase(link);
    }
    if (cut_wanted_.exchange(false)) links_.clear();
    if ((polled[0].revents & POLLIN) != 0) AcceptLink();
  }
}

}  // namespace tidemark::testing
