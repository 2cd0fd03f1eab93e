// A real Kafka for as long as this program runs: the one that the tests use, with more memory, Java's optimising
// compiler, and nothing deleted because of its age. Prints its address; ends, and takes its data with it, on SIGTERM,
// on SIGINT, and when standard input ends.
//
//   broker_bench DIRECTORY
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>

#include "tests/broker/kafka_server.h"

namespace {

volatile sig_atomic_t g_stop = 0;

void WaitForTheEnd() {
  std::array<char, 256> ignored{};
  while (g_stop == 0) {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    constexpr int kLookMs = 200;
    if (poll(&input, 1, kLookMs) > 0 && read(STDIN_FILENO, ignored.data(), ignored.size()) <= 0) return;
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: broker_bench DIRECTORY\n");
    return EXIT_FAILURE;
  }
  for (const int number : {SIGTERM, SIGINT}) signal(number, [](int) { g_stop = 1; });
  tidemark::testing::KafkaServerOptions options;
  options.optimised = true;
  // Some write records with the times of their events, which may be years ago.
  options.properties = "log.retention.ms=-1";
  const auto kafka = tidemark::testing::KafkaServer::Start(argv[1], options);
  if (!kafka) return EXIT_FAILURE;
  std::printf("%s\n", kafka->address().c_str());
  std::fflush(stdout);
  WaitForTheEnd();
}
