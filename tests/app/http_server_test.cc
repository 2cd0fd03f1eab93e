// The window over real sockets, on free ports.
#include "app/http_server.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <prometheus/counter.h>
#include <prometheus/registry.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>

#include "app/exit_codes.h"

namespace tidemark {
namespace {

using ::testing::HasSubstr;

HttpOptions AnyPort() { return {.address = "127.0.0.1", .port = 0}; }

TEST(HttpServer, ServesMetricsAsPrometheusText) {
  prometheus::Registry registry;
  prometheus::BuildCounter()
      .Name("tidemark_test_total")
      .Help("A test.")
      .Register(registry)
      .Add({{"kind", "a"}})
      .Increment(3);
  const auto server =
      HttpServer::Start(AnyPort(), {.collect = [&] { return registry.Collect(); }, .liveness = {}, .readiness = {}});
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_NE((*server)->port(), 0);
  const auto answer = httplib::Client((*server)->url()).Get("/metrics");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_THAT(answer->get_header_value("Content-Type"), HasSubstr("text/plain; version=0.0.4"));
  EXPECT_THAT(answer->body, HasSubstr("# TYPE tidemark_test_total counter\ntidemark_test_total{kind=\"a\"} 3"));
}

TEST(HttpServer, ProbesFollowTheirCallbacks) {
  std::atomic<bool> ready{false};
  const auto server = HttpServer::Start(AnyPort(), {.collect = {},
                                                    .liveness =
                                                        [] {
                                                          return Health{true, ""};
                                                        },
                                                    .readiness =
                                                        [&] {
                                                          return Health{ready, "partition 3 has failed"};
                                                        }});
  ASSERT_TRUE(server.ok()) << server.status();
  httplib::Client client((*server)->url());
  EXPECT_EQ(client.Get("/livez")->status, 200);
  const auto unready = client.Get("/readyz");
  EXPECT_EQ(unready->status, 503);
  EXPECT_EQ(unready->body, "partition 3 has failed\n");
  ready = true;
  EXPECT_EQ(client.Get("/readyz")->status, 200);
}

TEST(HttpServer, OtherPathsAreNotFound) {
  const auto server = HttpServer::Start(AnyPort(), {});
  ASSERT_TRUE(server.ok()) << server.status();
  const auto answer = httplib::Client((*server)->url()).Get("/nope");
  EXPECT_EQ(answer->status, 404);
  EXPECT_THAT(answer->body, HasSubstr("/metrics"));
}

TEST(HttpServer, PortInUseIsAnErrorThatSaysSo) {
  const auto first = HttpServer::Start(AnyPort(), {});
  ASSERT_TRUE(first.ok()) << first.status();
  const auto second = HttpServer::Start({.address = "127.0.0.1", .port = (*first)->port()}, {});
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(ExitCodeOf(second.status()), kExitUnavailable);
  EXPECT_THAT(std::string(second.status().message()),
              HasSubstr("127.0.0.1 port " + std::to_string((*first)->port()) + ": Address already in use"));
}

TEST(HttpServer, AddressOfAnotherMachineIsAnErrorThatSaysSo) {
  const auto server = HttpServer::Start({.address = "192.0.2.1", .port = 0}, {});
  ASSERT_FALSE(server.ok());
  EXPECT_EQ(ExitCodeOf(server.status()), kExitConfig);
  const auto nonsense = HttpServer::Start({.address = "999.1.2.3", .port = 0}, {});
  ASSERT_FALSE(nonsense.ok());
  EXPECT_THAT(std::string(nonsense.status().message()), HasSubstr("http.address"));
}

TEST(HttpServer, StopsThoughAClientSaysNothingAndTwiceIsFine) {
  const auto server = HttpServer::Start(AnyPort(), {});
  ASSERT_TRUE(server.ok()) << server.status();
  const int silent = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons((*server)->port());
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(connect(silent, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  (*server)->Stop();
  (*server)->Stop();
  EXPECT_FALSE(httplib::Client((*server)->url()).Get("/livez"));
  close(silent);
}

TEST(HttpServer, FreesItsPort) {
  auto first = HttpServer::Start(AnyPort(), {});
  ASSERT_TRUE(first.ok()) << first.status();
  const uint16_t port = (*first)->port();
  ASSERT_TRUE(httplib::Client((*first)->url()).Get("/livez"));
  first->reset();
  EXPECT_TRUE(HttpServer::Start({.address = "127.0.0.1", .port = port}, {}).ok());
}

}  // namespace
}  // namespace tidemark
