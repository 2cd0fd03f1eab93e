// `tidemark replay` as a user meets it: the real binary in a shell, with every kind of bad input.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <nlohmann/json.hpp>
#include <string>

#include "app/exit_codes.h"
#include "tests/replay/test_files.h"

namespace tidemark {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using Json = nlohmann::json;

constexpr int kClosedPipe = 141;

std::string Event(const std::string& id, const std::string& minute, const std::string& more = "") {
  return R"({"id":")" + id + R"(","customerId":"c","customerIdType":"cookie","createdDate":"2025-11-24T10:)" + minute +
         R"(:00Z","webEvent":{"eventName":"page_viewed")" + more + "}}";
}

std::string Base64Decode(const std::string& text) {
  std::string bytes(text.size() / 4 * 3, '\0');
  EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()), reinterpret_cast<const unsigned char*>(text.data()),
                  static_cast<int>(text.size()));
  bytes.resize(bytes.size() - (text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0));
  return bytes;
}

struct DeadLine {
  int64_t position;
  std::string reason;
  std::string event;
  friend bool operator==(const DeadLine&, const DeadLine&) = default;
};

std::vector<DeadLine> DeadLines(const std::string& text) {
  std::vector<DeadLine> lines;
  for (const std::string& line : SplitLines(text)) {
    const Json dead = Json::parse(line);
    lines.push_back({dead.at("position"), dead.at("reason"), Base64Decode(dead.at("event"))});
  }
  return lines;
}

class ReplayCommand : public testing::Test {
 protected:
  Finished Run(const std::string& command) { return Shell(dir_, command); }

  // The dead letters of an input that is otherwise taken.
  std::vector<DeadLine> DeadLettersOf(const std::string& input) {
    dir_.Write("in", input);
    const Finished finished = Run("$TIDEMARK replay --dead-letters dead in");
    EXPECT_EQ(finished.code, 0) << finished.err;
    EXPECT_THAT(finished.err, HasSubstr("every event is in exactly one of"));
    return DeadLines(dir_.Read("dead"));
  }

  TempDirectory dir_;
};

TEST_F(ReplayCommand, SessionsOnStandardOutputAndTheSummaryOnStandardError) {
  dir_.Write("in", Event("a", "00") + "\n" + Event("b", "01") + "\n" + Event("b", "01") + "\n" + Event("c", "45"));
  const Finished finished = Run("$TIDEMARK replay in");
  EXPECT_EQ(finished.code, 0);
  const std::vector<std::string> lines = SplitLines(finished.out);
  ASSERT_THAT(lines, SizeIs(2));
  EXPECT_EQ(Json::parse(lines[0]).at("eventCount"), 2);
  EXPECT_THAT(finished.err, AllOf(HasSubstr("replayed 1 input"), ContainsRegex("duplicate +1\n"),
                                  HasSubstr("inactivity 2"), Not(HasSubstr("\x1b"))));
}

TEST_F(ReplayCommand, EnvelopesHaveTheReasonAndTheCounts) {
  dir_.Write("in", Event("b", "01") + "\n" + Event("a", "00") + "\n" + Event("a", "00") + "\n");
  const Finished finished = Run("$TIDEMARK replay --envelope --set time.max_out_of_orderness=2m in");
  const Json envelope = Json::parse(finished.out);
  EXPECT_EQ(envelope.at("closeReason"), "inactivity");
  EXPECT_EQ(envelope.at("duplicateEvents"), 1);
  EXPECT_EQ(envelope.at("outOfOrderEvents"), 1);
  EXPECT_EQ(envelope.at("session").at("eventCount"), 2);
  EXPECT_EQ(
      finished.out.find(R"({"closeReason":"inactivity","duplicateEvents":1,"outOfOrderEvents":1,"session":{"id")"), 0);
}

TEST_F(ReplayCommand, LateLinesAreUnchanged) {
  const std::string late = "  " + Event("old", "00") + " \r";
  dir_.Write("in", Event("a", "50") + "\n" + late + "\n" + Event("b", "51") + "\n");
  const Finished finished = Run("$TIDEMARK replay --late late in");
  EXPECT_EQ(dir_.Read("late"), late + "\n");
  EXPECT_THAT(finished.err, AllOf(HasSubstr("behind_watermark 1"), HasSubstr("the latest by")));
}

TEST_F(ReplayCommand, GarbageLinesAndTruncatedJson) {
  const std::string cut = Event("a", "00").substr(0, 60);
  EXPECT_THAT(DeadLettersOf("garbage\n\n" + Event("a", "00") + "\n" + cut + "\n[1]\n"),
              ElementsAre(DeadLine{0, "invalid_json", "garbage"}, DeadLine{1, "invalid_json", ""},
                          DeadLine{3, "invalid_json", cut}, DeadLine{4, "invalid_json", "[1]"}));
}

TEST_F(ReplayCommand, AnInputThatIsNoNdjsonIsToldSo) {
  dir_.Write("pretty", "{\n  \"id\": 1\n}\n");
  EXPECT_THAT(Run("$TIDEMARK replay pretty").err, HasSubstr("one JSON object on each line"));
  dir_.Write("array", "[" + Event("a", "00") + "]\n");
  EXPECT_THAT(Run("$TIDEMARK replay array").err, HasSubstr("one JSON object on each line"));
  dir_.Write("one", "garbage\n" + Event("a", "00"));
  EXPECT_THAT(Run("$TIDEMARK replay one").err, Not(HasSubstr("one JSON object on each line")));
}

TEST_F(ReplayCommand, LaterThanItsOwnStartIsTheFuture) {
  const std::string line = R"({"id":"a","customerId":"c","createdDate":"2999-01-01T00:00:00Z"})";
  EXPECT_THAT(DeadLettersOf(line + "\n" + Event("a", "00")), ElementsAre(DeadLine{0, "future_timestamp", line}));
}

TEST_F(ReplayCommand, InvalidUtf8KeepsItsBytes) {
  const std::string latin1 = Event("a", "00", ",\"title\":\"M\xFCller\"");
  EXPECT_THAT(DeadLettersOf(latin1 + "\n\xff\xfe\n"),
              ElementsAre(DeadLine{0, "invalid_utf8", latin1}, DeadLine{1, "invalid_utf8", "\xff\xfe"}));
}

TEST_F(ReplayCommand, ZeroBytes) {
  const std::string zeros("{\"id\":\"\0\"}\0", 11);
  EXPECT_THAT(DeadLettersOf(zeros + "\n" + Event("a", "00")), ElementsAre(DeadLine{0, "invalid_json", zeros}));
}

TEST_F(ReplayCommand, ARecordOfTenMegabytesIsTooLargeAndKeptWhole) {
  const std::string large = Event("a", "00", R"(,"searchQuery":")" + std::string(10'000'000, 'x') + "\"");
  EXPECT_THAT(DeadLettersOf(Event("a", "00") + "\n" + large + "\n" + Event("b", "01")),
              ElementsAre(DeadLine{1, "too_large", large}));
}

TEST_F(ReplayCommand, DepthOfTenThousand) {
  const std::string deep(10'000, '[');
  const std::vector<DeadLine> dead = DeadLettersOf(deep + "\n{\"a\":" + deep + "\n" + Event("a", "00") + "\n");
  ASSERT_THAT(dead, SizeIs(2));
  EXPECT_EQ(dead[0], (DeadLine{0, "invalid_json", deep}));
  // Closed properly it is an event like another: what is in a field that is not read does not count.
  const std::string closed = Event("b", "01", R"(,"unused":)" + deep + std::string(10'000, ']'));
  dir_.Write("in", closed);
  const Finished finished = Run("$TIDEMARK replay in");
  EXPECT_EQ(finished.code, 0) << finished.err;
}

TEST_F(ReplayCommand, TheLastOfRepeatedKeysCounts) {
  dir_.Write("in", R"({"id":"a","customerId":"wrong","customerId":"c","createdDate":"2025-11-24T10:00:00Z"})");
  const Finished finished = Run("$TIDEMARK replay in");
  EXPECT_EQ(finished.code, 0) << finished.err;
  EXPECT_EQ(Json::parse(finished.out).at("customerId"), "c");
}

TEST_F(ReplayCommand, HugeNumbers) {
  const std::string digits(5000, '9');
  const std::string huge = R"(,"unused":[-)" + digits + "e" + digits + R"(],"browser":{"family":"F","viewHeight":)" +
                           digits + R"(,"viewWidth":1e999},"geolocation":{"country":"DE","latitude":1e999})";
  dir_.Write("in", Event("a", "00", huge) + "\n" + R"({"id":"b","customerId":"c","createdDate":)" + digits + "}\n");
  const Finished finished = Run("$TIDEMARK replay --dead-letters dead in");
  EXPECT_EQ(finished.code, 0) << finished.err;
  ASSERT_THAT(SplitLines(finished.out), SizeIs(1));
  EXPECT_THAT(finished.out, AllOf(HasSubstr(R"("browser":{"family":"F"})"), HasSubstr(R"("country":"DE")")));
  ASSERT_THAT(DeadLines(dir_.Read("dead")), SizeIs(1));
  EXPECT_EQ(DeadLines(dir_.Read("dead"))[0].reason, "invalid_timestamp");
}

TEST_F(ReplayCommand, AnEmptyFileIsNoError) {
  dir_.Write("in", "");
  const Finished finished = Run("$TIDEMARK replay in");
  EXPECT_EQ(finished.code, 0);
  EXPECT_THAT(finished.out, IsEmpty());
  EXPECT_THAT(finished.err, HasSubstr("replayed 1 input"));
}

TEST_F(ReplayCommand, BadInputsAreNamedAndTheOthersTaken) {
  dir_.Write("good", Event("a", "00"));
  const Finished finished = Run("mkdir folder; $TIDEMARK replay missing.ndjson folder good");
  EXPECT_EQ(finished.code, kExitNoInput);
  EXPECT_THAT(SplitLines(finished.out), SizeIs(1));
  EXPECT_THAT(finished.err,
              AllOf(HasSubstr("cannot read missing.ndjson: No such file"),
                    HasSubstr("cannot read folder: it is a directory"), HasSubstr("2 of 3 inputs could not be read")));
}

TEST_F(ReplayCommand, WithoutAnInputTheOutputStaysAsItIs) {
  dir_.Write("sessions", "of yesterday");
  const Finished finished = Run("$TIDEMARK replay missing.ndjson --out sessions");
  EXPECT_EQ(finished.code, kExitNoInput);
  EXPECT_THAT(finished.err, HasSubstr("cannot read missing.ndjson: No such file"));
  EXPECT_EQ(dir_.Read("sessions"), "of yesterday");
}

TEST_F(ReplayCommand, ATruncatedArchiveIsAnErrorAndWhatWasOpenIsNotWritten) {
  std::string text;
  for (int i = 0; i < 3000; ++i) text += Event("e" + std::to_string(i * 7919), "00") + "\n";
  const std::string packed = Gzip(text);
  dir_.Write("cut.gz", packed.substr(0, packed.size() / 2));
  const Finished finished = Run("$TIDEMARK replay cut.gz");
  EXPECT_EQ(finished.code, kExitNoInput);
  EXPECT_THAT(finished.out, IsEmpty());
  EXPECT_THAT(finished.err, AllOf(HasSubstr("cut.gz ends in the middle"), HasSubstr("not written")));
}

TEST_F(ReplayCommand, StandardInputPlainAndCompressed) {
  dir_.Write("in", Event("a", "00") + "\n");
  dir_.Write("in.gz", Gzip(Event("a", "00") + "\n"));
  const std::string sessions = Run("$TIDEMARK replay in").out;
  EXPECT_THAT(sessions, Not(IsEmpty()));
  EXPECT_EQ(Run("cat in | $TIDEMARK replay -").out, sessions);
  EXPECT_EQ(Run("$TIDEMARK replay - < in.gz").out, sessions);
  EXPECT_EQ(Run("$TIDEMARK replay - < .").code, kExitNoInput);
}

TEST_F(ReplayCommand, SeveralInputsAreSeveralPartitionsInOrder) {
  dir_.Write("b", Event("b", "50") + "\n");
  dir_.Write("a", Event("a", "00") + "\n");
  const Finished finished = Run("$TIDEMARK replay b a");
  const std::vector<std::string> lines = SplitLines(finished.out);
  ASSERT_THAT(lines, SizeIs(2));
  EXPECT_EQ(Json::parse(lines[0]).at("lastEvent").at("id"), "b");
  EXPECT_THAT(finished.err, HasSubstr("replayed 2 inputs"));
}

TEST_F(ReplayCommand, AClosedPipeEndsItQuietly) {
  const Finished finished =
      Run("set -o pipefail; $TIDEMARK generate --events 50000 --out in 2>/dev/null; $TIDEMARK replay in | head -1");
  EXPECT_EQ(finished.code, kClosedPipe);
  EXPECT_THAT(SplitLines(finished.out), SizeIs(1));
  EXPECT_THAT(finished.err, IsEmpty());
}

TEST_F(ReplayCommand, AFullDiskIsAnErrorAndNothingPretendsSuccess) {
  dir_.Write("in", Event("a", "00") + "\nx\n");
  for (const std::string command : {"$TIDEMARK replay in > /dev/full", "$TIDEMARK replay in --out /dev/full",
                                    "$TIDEMARK replay in --dead-letters /dev/full"}) {
    const Finished finished = Run(command);
    EXPECT_EQ(finished.code, kExitCannotWrite) << command;
    EXPECT_THAT(finished.err, AllOf(HasSubstr("No space left on device"), HasSubstr("the output is incomplete"),
                                    Not(HasSubstr("replayed"))));
  }
}

TEST_F(ReplayCommand, OutputsThatCannotBeMadeOrWouldDestroyTheInput) {
  dir_.Write("in", Event("a", "00") + "\n");
  EXPECT_EQ(Run("$TIDEMARK replay in --out nowhere/out").code, kExitCannotWrite);
  const Finished same = Run("$TIDEMARK replay in --late ./in");
  EXPECT_EQ(same.code, kExitUsage);
  EXPECT_THAT(same.err, HasSubstr("an input and an output"));
  EXPECT_EQ(dir_.Read("in"), Event("a", "00") + "\n");
  EXPECT_EQ(Run("$TIDEMARK replay in --late x --dead-letters x").code, kExitUsage);
  EXPECT_EQ(Run("$TIDEMARK replay in --late x --dead-letters ./x").code, kExitUsage);
  EXPECT_EQ(Run("$TIDEMARK replay in --late x --dead-letters y/../x").code, kExitUsage);
  EXPECT_EQ(Run("$TIDEMARK replay - - < in").code, kExitUsage);
}

TEST_F(ReplayCommand, FailOnIsAConditionOnTheData) {
  dir_.Write("in", Event("a", "00") + "\n" + Event("a", "00") + "\nx\n" + Event("b", "01") + "\n");
  EXPECT_EQ(Run("$TIDEMARK replay in --fail-on 'late>0' --fail-on 'duplicates>1' --fail-on 'dead_letters>25%'").code,
            0);
  const Finished failed = Run("$TIDEMARK replay in --fail-on 'dead_letters>24.9%'");
  EXPECT_EQ(failed.code, kExitData);
  EXPECT_THAT(failed.err, AllOf(HasSubstr("dead_letters>24.9%"), HasSubstr("replayed 1 input")));
  for (const std::string wrong : {"late", "late>", "late>x", "late>-1", "early>1", "late>1%%", "late>nan"}) {
    EXPECT_EQ(Run("$TIDEMARK replay in --fail-on '" + wrong + "'").code, kExitUsage) << wrong;
  }
}

TEST_F(ReplayCommand, EveryRecordIsInExactlyOneCount) {
  const Finished finished =
      Run("$TIDEMARK generate --events 20000 --mix mixed --seed 7 --disorder 5% --late 1% --duplicates 2% --garbage 1% "
          "2>/dev/null"
          " | $TIDEMARK replay --envelope --late late --dead-letters dead -");
  EXPECT_EQ(finished.code, 0);
  uint64_t counted = SplitLines(dir_.Read("late")).size() + SplitLines(dir_.Read("dead")).size();
  for (const std::string& line : SplitLines(finished.out)) {
    const Json envelope = Json::parse(line);
    counted += envelope.at("session").at("eventCount").get<uint64_t>() + envelope.at("duplicateEvents").get<uint64_t>();
  }
  EXPECT_EQ(counted, 20'000) << finished.err;
  EXPECT_THAT(finished.err, ContainsRegex("events +20,000\n"));
}

TEST_F(ReplayCommand, ASecondRunGivesTheSameBytes) {
  Run("$TIDEMARK generate --events 5000 --mix mixed --disorder 10% --out in 2>/dev/null");
  const std::string first = Run("$TIDEMARK replay in").out;
  EXPECT_THAT(SplitLines(first), SizeIs(testing::Gt(100)));
  EXPECT_EQ(Run("$TIDEMARK replay - < in").out, first);
}

}  // namespace
}  // namespace tidemark
