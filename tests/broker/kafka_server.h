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

// A port that nothing listened on a moment ago.
uint16_t FreePort();

class KafkaServer {
 public:
  // Returns once the broker answers. `port` 0: any free one. nullptr: it did not come up; the reason was printed.
  static std::unique_ptr<KafkaServer> Start(const std::string& directory, uint16_t port = 0);
  ~KafkaServer();

  const std::string& address() const { return address_; }

 private:
  KafkaServer(std::string directory, uint16_t port);
  bool Format() const;
  bool WaitUntilItAnswers();

  const std::string directory_, address_;
  std::unique_ptr<ChildProcess> process_;
};

}  // namespace tidemark::testing
