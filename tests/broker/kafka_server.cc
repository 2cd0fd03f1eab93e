#include "tests/broker/kafka_server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <random>

#include "tests/broker/kafka_admin.h"

namespace tidemark::testing {
namespace {

constexpr std::chrono::seconds kFormatLimit{60};
constexpr std::chrono::seconds kStartLimit{120};
constexpr std::chrono::seconds kStopLimit{30};
constexpr int kFirstPort = 10'000;
constexpr int kStarts = 3;  // another program may take a port between its choice and its use

// One broker is every replica there is. Few partitions of Kafka's own topics make the start quick.
constexpr char kProperties[] = R"(process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{broker},PROXIED://127.0.0.1:{behind_proxy},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{broker},PROXIED://127.0.0.1:{proxy}
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
log.dirs={directory}/data
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
num.network.threads=2
num.io.threads=2
{more}
)";

// A test's broker is to start quickly.
std::vector<std::string> Java(const std::string& main_class, const std::vector<std::string>& arguments,
                              bool optimised = false) {
  std::vector<std::string> command = {"java",
                                      optimised ? "-Xmx1g" : "-Xmx512m",
                                      "-XX:+UseSerialGC",
                                      optimised ? "-XX:TieredStopAtLevel=4" : "-XX:TieredStopAtLevel=1",
                                      "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
                                      "-cp",
                                      std::string(KAFKA_LIB) + "/*",
                                      main_class};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return command;
}

// The kernel takes ports for connections from here on.
int FirstPortOfConnections() {
  int first = 0;
  std::ifstream("/proc/sys/net/ipv4/ip_local_port_range") >> first;
  return first > kFirstPort + 1'000 ? first : kFirstPort + 1'000;
}

bool IsFree(uint16_t port) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  const bool free = bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  close(listener);
  return free;
}

}  // namespace

uint16_t FreePort() {
  std::random_device random;
  std::uniform_int_distribution<int> any(kFirstPort, FirstPortOfConnections() - 1);
  for (;;) {
    const auto port = static_cast<uint16_t>(any(random));
    if (IsFree(port)) return port;
  }
}

std::unique_ptr<KafkaServer> KafkaServer::Start(const std::string& directory, const KafkaServerOptions& options) {
  for (int start = 0; start < kStarts; ++start) {
    std::unique_ptr<KafkaServer> server(new KafkaServer(directory, options));
    if (server->Format() && server->WaitUntilItAnswers()) return server;
    std::cerr << "Kafka did not start:\n" << ReadFile(directory + "/kafka.err") << '\n';
  }
  return nullptr;
}

// Without a proxy the second listener is there, too, and nobody's.
KafkaServer::KafkaServer(std::string directory, const KafkaServerOptions& options)
    : directory_(std::move(directory)), optimised_(options.optimised), port_behind_proxy_(FreePort()) {
  std::filesystem::remove_all(directory_);
  std::filesystem::create_directories(directory_);
  const uint16_t port = options.port == 0 ? FreePort() : options.port;
  address_ = fmt::format("127.0.0.1:{}", port);
  std::ofstream(directory_ + "/server.properties")
      << fmt::format(fmt::runtime(kProperties), fmt::arg("controller", FreePort()), fmt::arg("broker", port),
                     fmt::arg("behind_proxy", port_behind_proxy_),
                     fmt::arg("proxy", options.proxy_port == 0 ? port_behind_proxy_ : options.proxy_port),
                     fmt::arg("directory", directory_), fmt::arg("more", options.properties));
}

KafkaServer::~KafkaServer() {
  if (!process_) return;
  process_->Signal(SIGTERM);
  process_->Wait(kStopLimit);
  process_.reset();  // kills it if it did not listen
  std::filesystem::remove_all(directory_ + "/data");
}

void KafkaServer::Kill() {
  process_->Signal(SIGKILL);
  process_->Wait(kStopLimit);
}

bool KafkaServer::Restart() {
  process_.reset();
  return WaitUntilItAnswers();
}

bool KafkaServer::Format() const {
  const auto command = Java("kafka.tools.StorageTool",
                            {"format", "-t", "dGlkZW1hcmstdGVzdHMtMQ", "-c", directory_ + "/server.properties"});
  return RunToEnd(command, directory_ + "/format.out", directory_ + "/kafka.err", kFormatLimit) == 0;
}

bool KafkaServer::WaitUntilItAnswers() {
  process_ = std::make_unique<ChildProcess>(Java("kafka.Kafka", {directory_ + "/server.properties"}, optimised_),
                                            directory_ + "/kafka.out", directory_ + "/kafka.err");
  KafkaAdmin admin(address_);
  return Eventually(kStartLimit, [&] { return !process_->Running() || admin.Answers(); }) && process_->Running();
}

}  // namespace tidemark::testing
