// The real binary: exit codes, and that data goes to standard output and complaints to standard error.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

#include "app/exit_codes.h"
#include "app/settings.h"

namespace tidemark {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Finished {
  int code = -1;
  std::string text;
};

// Runs `tidemark ARGUMENTS` in a shell, with what the arguments redirect. `environment` is for env(1).
Finished Tidemark(const std::string& arguments, const std::string& environment = "-u TIDEMARK_CONFIG") {
  FILE* pipe = popen(("env " + environment + " " TIDEMARK_BINARY " " + arguments).c_str(), "r");
  Finished finished;
  char block[4096];
  for (size_t n = fread(block, 1, sizeof block, pipe); n > 0; n = fread(block, 1, sizeof block, pipe))
    finished.text.append(block, n);
  const int status = pclose(pipe);
  finished.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return finished;
}

constexpr char kErrors[] = " 2>&1 >/dev/null";  // standard error alone

TEST(Binary, AlonePrintsHelp) {
  const Finished help = Tidemark("");
  EXPECT_EQ(help.code, kExitOk);
  EXPECT_THAT(help.text, AllOf(HasSubstr("Usage: tidemark"), HasSubstr("check-config"), HasSubstr("Examples:")));
}

TEST(Binary, EveryCommandHasHelpWithExamples) {
  for (const std::string command :
       {"run", "replay", "generate", "demo", "topics", "recover", "check-config", "config"}) {
    const Finished help = Tidemark(command + " --help");
    EXPECT_EQ(help.code, kExitOk) << command;
    EXPECT_THAT(help.text, AllOf(HasSubstr("Usage: tidemark " + command), HasSubstr("Examples:\n  tidemark")))
        << command;
  }
}

TEST(Binary, VersionNamesTheLibraries) {
  const Finished version = Tidemark("--version");
  EXPECT_EQ(version.code, kExitOk);
  for (const char* library : {"tidemark ", "librdkafka ", "simdjson ", "Abseil ", "toml++ ", "CLI11 ", "fmt ",
                              "spdlog ", "zstd ", "zlib ", "OpenSSL "}) {
    EXPECT_THAT(version.text, HasSubstr(library));
  }
}

// A portable build must not lose the kernel for the processor it runs on.
TEST(Binary, TheKernelIsTheBestThatTheProcessorHas) {
  std::ifstream cpuinfo("/proc/cpuinfo");
  const std::string processor{std::istreambuf_iterator<char>(cpuinfo), {}};
  const std::string text = Tidemark("--version").text;
  if (processor.find(" avx512_vbmi2") != std::string::npos) {
    EXPECT_THAT(text, HasSubstr("(icelake)"));
  } else if (processor.find(" avx2") != std::string::npos) {
    EXPECT_THAT(text, HasSubstr("(haswell)"));
  } else {
    GTEST_SKIP() << "neither AVX2 nor AVX-512 here";
  }
}

TEST(Binary, WrongUsageIs64AndSaysWhatToDo) {
  EXPECT_EQ(Tidemark("confg" + std::string(kErrors)).code, kExitUsage);
  EXPECT_THAT(Tidemark("confg" + std::string(kErrors)).text, HasSubstr("did you mean \"config\"?"));
  EXPECT_EQ(Tidemark("config --nonsense" + std::string(kErrors)).code, kExitUsage);
  EXPECT_THAT(Tidemark("config --nonsense" + std::string(kErrors)).text, HasSubstr("Try: tidemark config --help"));
  EXPECT_EQ(Tidemark("check-config" + std::string(kErrors)).code, kExitUsage);
  EXPECT_EQ(Tidemark("--nonsense" + std::string(kErrors)).code, kExitUsage);
}

TEST(Binary, BadConfigurationIs78AndMissingIs66) {
  const Finished bad = Tidemark("config --set http.port=x" + std::string(kErrors));
  EXPECT_EQ(bad.code, kExitConfig);
  EXPECT_THAT(bad.text, HasSubstr("tidemark: --set http.port: "));
  EXPECT_EQ(Tidemark("check-config /no/such/file" + std::string(kErrors)).code, kExitNoInput);
  EXPECT_EQ(Tidemark("check-config /" + std::string(kErrors)).code, kExitNoInput);
}

TEST(Binary, GoodConfigurationIsGood) {
  const Finished good = Tidemark("check-config " TIDEMARK_ROOT "/deploy/tidemark.toml");
  EXPECT_EQ(good.code, kExitOk);
  EXPECT_THAT(good.text, HasSubstr("deploy/tidemark.toml: good\n"));
  const Finished quiet = Tidemark("check-config " TIDEMARK_ROOT "/deploy/tidemark.toml" + std::string(kErrors));
  EXPECT_THAT(quiet.text, IsEmpty());
}

// Each property is right by itself.
TEST(Binary, KafkaSettingsThatDoNotFitTogetherAre78) {
  const std::string file = ::testing::TempDir() + "/no-user.toml";
  std::ofstream(file) << "[kafka.properties]\n\"security.protocol\" = \"SASL_SSL\"\n\"sasl.mechanism\" = \"PLAIN\"\n";
  const Finished bad = Tidemark("check-config " + file + kErrors);
  EXPECT_EQ(bad.code, kExitConfig);
  EXPECT_THAT(bad.text, AllOf(HasSubstr(file), HasSubstr("sasl.username and sasl.password must be set")));
}

// librdkafka wants it to be no shorter than the session time-out, which is 30 s here and 45 s by its own default.
TEST(Binary, PollsMayBeAsOftenAsTheSessionTimeOut) {
  const std::string file = ::testing::TempDir() + "/polls.toml";
  std::ofstream(file) << "[kafka.properties]\n\"max.poll.interval.ms\" = 30001\n";
  EXPECT_EQ(Tidemark("check-config " + file).text, file + ": good\n");
}

TEST(Binary, ConfigPrintsTheExampleAndTheReference) {
  EXPECT_EQ(Tidemark("config --example").text, ExampleFile());
  EXPECT_EQ(Tidemark("config --reference").text, MarkdownReference());
}

TEST(Binary, NumbersAreDecimalAndWithinTheirLimits) {
  for (const char* wrong : {"generate --events -5", "generate --events 99999999999999999999",
                            "generate --events 1 --seed x", "recover --partition -1 --from latest"}) {
    const Finished finished = Tidemark(std::string(wrong) + " 2>&1");
    EXPECT_EQ(finished.code, kExitUsage) << wrong;
    EXPECT_THAT(finished.text, HasSubstr("is no whole number from 0 to ")) << wrong;
  }
  const std::string ten = Tidemark("generate --events 010 2>/dev/null").text;
  EXPECT_EQ(std::count(ten.begin(), ten.end(), '\n'), 10);
}

// Events would go into a topic of production, although nobody said so.
TEST(Binary, AVariableDoesNotSendGeneratedEventsToKafka) {
  const std::string file = ::testing::TempDir() + "/somewhere.toml";
  std::ofstream(file) << "[kafka]\nbrokers = \"127.0.0.1:1\"\n";
  const Finished finished = Tidemark("generate --events 3 2>/dev/null", "TIDEMARK_CONFIG=" + file);
  EXPECT_EQ(finished.code, kExitOk);
  EXPECT_EQ(std::count(finished.text.begin(), finished.text.end(), '\n'), 3);
}

TEST(Binary, AReaderThatHasLeftIs141) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  close(ends[0]);
  const std::string sessions = ::testing::TempDir() + "/nobody-reads.ndjson";
  for (const std::string& command : {std::string("config --reference"), std::string("generate --events 10"),
                                     "demo --for 1s --set http.port=0 --out " + sessions}) {
    const Finished finished = Tidemark(command + " 2>&1 >&" + std::to_string(ends[1]));
    EXPECT_EQ(finished.code, kExitClosedPipe) << command;
    EXPECT_THAT(finished.text, IsEmpty()) << command;
  }
  close(ends[1]);
}

TEST(Binary, FullDiskAndClosedOutputAre73) {
  EXPECT_EQ(Tidemark("config 2>/dev/null >/dev/full").code, kExitCannotWrite);
  EXPECT_EQ(Tidemark("config 2>/dev/null >&-").code, kExitCannotWrite);
  const std::string sessions = ::testing::TempDir() + "/closed-output.ndjson";
  EXPECT_EQ(Tidemark("demo --for 1s --set http.port=0 --out " + sessions + " 2>/dev/null >&-").code, kExitCannotWrite);
}

TEST(Binary, WhatCannotBeSaidOnStandardErrorChangesNothing) {
  EXPECT_EQ(Tidemark("check-config /no/such/file 2>/dev/full").code, Tidemark("check-config /no/such/file 2>&1").code);
  EXPECT_EQ(Tidemark("no-such-command 2>/dev/full").code, kExitUsage);
  EXPECT_EQ(Tidemark("generate --events 1 2>/dev/full").code, kExitOk);
  EXPECT_EQ(Tidemark("generate --events 1 2>/dev/null | env " TIDEMARK_BINARY " replay - 2>/dev/full").code, kExitOk);
}

}  // namespace
}  // namespace tidemark
