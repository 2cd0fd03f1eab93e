// A real Apache Kafka for one test: one broker that is its own controller (KRaft), on free ports of the loopback
// interface, with its data in a directory of the test. It is stopped when the object goes, however the test ends.
//
// The jars come from Maven Central (pom.xml, copied at build time); KAFKA_LIB names their directory.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "tests/broker/child_process.h"

namespace tidemark::testing {

// A port that nothing listened on a moment ago, and that no connection gets by chance: whoever tries to connect to it
// again and again, and is given it as its own, would be connected to itself.
uint16_t FreePort();

// Properties of a broker that asks its rules; without one for a resource everything is allowed.
inline constexpr char kAuthorizer[] =
    "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer\n"
    "allow.everyone.if.no.acl.found=true\n";

struct KafkaServerOptions {
  uint16_t port = 0;         // 0: any free one
  uint16_t proxy_port = 0;   // of a proxy that listens already: clients that came through it are sent there again
  std::string properties{};  // more lines of server.properties
  bool optimised = false;    // for benchmarks: Java's optimising compiler, and memory
};

class KafkaServer {
 public:
  // Returns once the broker answers. nullptr: it did not come up; the reason was printed.
  static std::unique_ptr<KafkaServer> Start(const std::string& directory, const KafkaServerOptions& options = {});
  ~KafkaServer();

  const std::string& address() const { return address_; }
  // Where the proxy of the options has to connect to.
  uint16_t port_behind_proxy() const { return port_behind_proxy_; }

  // As a power failure would (the disk's cache survives), and on with the same data.
  void Kill();
  bool Restart();

 private:
  KafkaServer(std::string directory, const KafkaServerOptions& options);
  bool Format() const;
  bool WaitUntilItAnswers();

  const std::string directory_;
  const bool optimised_;
  const uint16_t port_behind_proxy_;
  std::string address_;
  std::unique_ptr<ChildProcess> process_;
};

}  // namespace tidemark::testing
