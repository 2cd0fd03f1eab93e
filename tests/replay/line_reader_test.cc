// Lines of files, pipes and compressed files; and what is said when there are none to be had.
#include "ingest/line_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "tests/replay/test_files.h"

namespace tidemark {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct ReadResult {
  std::vector<std::string> lines;
  absl::Status status;
};

ReadResult ReadAll(const std::string& path) {
  ReadResult result;
  auto reader = LineReader::Open(path);
  result.status = reader.status();
  if (!reader.ok()) return result;
  std::vector<std::string_view> batch;
  do {
    result.status = reader->NextBatch(batch);
    for (const std::string_view line : batch) result.lines.emplace_back(line);
  } while (result.status.ok() && !batch.empty());
  return result;
}

std::string Message(const ReadResult& result) { return std::string(result.status.message()); }

std::string ManyLines() {
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += "line " + std::to_string(i) + std::string(i % 97, 'x') + '\n';
  return text;
}

TEST(LineReader, LastLineNeedsNoNewline) {
  const TempDirectory dir;
  EXPECT_THAT(ReadAll(dir.Write("a", "one\ntwo")).lines, ElementsAre("one", "two"));
  EXPECT_THAT(ReadAll(dir.Write("a", "one\ntwo\n")).lines, ElementsAre("one", "two"));
}

TEST(LineReader, EmptyLinesAreLinesAndAnEmptyFileHasNone) {
  const TempDirectory dir;
  EXPECT_THAT(ReadAll(dir.Write("a", "")).lines, IsEmpty());
  EXPECT_THAT(ReadAll(dir.Write("a", "\n")).lines, ElementsAre(""));
  EXPECT_THAT(ReadAll(dir.Write("a", "\n\na\r\n\n")).lines, ElementsAre("", "", "a\r", ""));
}

TEST(LineReader, ZeroBytesAreBytes) {
  const TempDirectory dir;
  EXPECT_THAT(ReadAll(dir.Write("a", std::string("a\0b\n\0", 5))).lines,
              ElementsAre(std::string("a\0b", 3), std::string("\0", 1)));
}

TEST(LineReader, BuffersCutLinesAnywhere) {
  const TempDirectory dir;
  const std::string text = ManyLines();
  EXPECT_EQ(ReadAll(dir.Write("a", text)).lines, SplitLines(text));
}

TEST(LineReader, CompressionIsToldByTheBytesNotTheName) {
  const TempDirectory dir;
  const std::string text = ManyLines();
  EXPECT_EQ(ReadAll(dir.Write("gzip.ndjson", Gzip(text))).lines, SplitLines(text));
  EXPECT_EQ(ReadAll(dir.Write("zstd.ndjson", Zstd(text))).lines, SplitLines(text));
  EXPECT_EQ(ReadAll(dir.Write("plain.gz", text)).lines, SplitLines(text));
}

TEST(LineReader, SeveralMembersAndFramesAreOneFile) {
  const TempDirectory dir;
  EXPECT_THAT(ReadAll(dir.Write("a.gz", Gzip("one\ntw") + Gzip("o\n") + Gzip("three"))).lines,
              ElementsAre("one", "two", "three"));
  EXPECT_THAT(ReadAll(dir.Write("a.zst", Zstd("one\ntw") + Zstd("o\n") + Zstd("three"))).lines,
              ElementsAre("one", "two", "three"));
  const std::string skippable("\x50\x2a\x4d\x18\x03\x00\x00\x00xyz", 11);
  EXPECT_THAT(ReadAll(dir.Write("b.zst", skippable + Zstd("one\n"))).lines, ElementsAre("one"));
}

TEST(LineReader, ZerosBehindGzipArePadding) {
  const TempDirectory dir;
  const ReadResult padded = ReadAll(dir.Write("a.gz", Gzip("one\n") + std::string(1000, '\0')));
  EXPECT_TRUE(padded.status.ok()) << padded.status;
  EXPECT_THAT(padded.lines, ElementsAre("one"));
}

TEST(LineReader, CompressedEmptyFiles) {
  const TempDirectory dir;
  EXPECT_TRUE(ReadAll(dir.Write("a", Gzip(""))).status.ok());
  EXPECT_TRUE(ReadAll(dir.Write("a", Zstd(""))).status.ok());
}

TEST(LineReader, TruncatedFilesEndInAnErrorAfterTheirLines) {
  const TempDirectory dir;
  const std::string text = ManyLines();
  for (const std::string& whole : {Gzip(text), Zstd(text)}) {
    const ReadResult cut = ReadAll(dir.Write("cut", whole.substr(0, whole.size() * 3 / 4)));
    EXPECT_THAT(Message(cut), AllOf(HasSubstr("cut ends in the middle"), HasSubstr("copy or download it again")));
    ASSERT_FALSE(cut.lines.empty());
    const std::vector<std::string> all = SplitLines(text);
    EXPECT_TRUE(std::equal(cut.lines.begin(), cut.lines.end(), all.begin())) << "only whole lines, and in order";
  }
}

TEST(LineReader, EveryCutOfACompressedFileIsNoticed) {
  const TempDirectory dir;
  for (const std::string& whole : {Gzip("one\ntwo\n"), Zstd("one\ntwo\n")}) {
    for (size_t size = 4; size < whole.size(); ++size) {
      EXPECT_FALSE(ReadAll(dir.Write("cut", whole.substr(0, size))).status.ok()) << size << " of " << whole.size();
    }
  }
}

TEST(LineReader, DamagedFilesAreNoticed) {
  const TempDirectory dir;
  std::string gzip = Gzip(ManyLines());
  gzip[gzip.size() - 6] ^= 1;  // the checksum
  EXPECT_THAT(Message(ReadAll(dir.Write("a.gz", gzip))), HasSubstr("a.gz is damaged gzip data"));
  std::string zstd = Zstd(ManyLines());
  for (size_t i = zstd.size() / 2; i < zstd.size() / 2 + 64; ++i) zstd[i] = static_cast<char>(~zstd[i]);
  EXPECT_THAT(Message(ReadAll(dir.Write("a.zst", zstd))), HasSubstr("a.zst is damaged Zstandard data"));
  EXPECT_THAT(Message(ReadAll(dir.Write("b.gz", Gzip("one\n") + "more"))), HasSubstr("damaged"));
}

TEST(LineReader, ALongLineIsHandedOutWhole) {
  const TempDirectory dir;
  const std::string longest(10'000'000, 'x');
  EXPECT_EQ(ReadAll(dir.Write("a", "a\n" + longest + "\nb")).lines, (std::vector<std::string>{"a", longest, "b"}));
}

// What they are is open; that they are there is for the address sanitizer to judge.
TEST(LineReader, BytesBehindALineMayBeRead) {
  const TempDirectory dir;
  for (const size_t size : {1, 256 * 1024 - 1, 256 * 1024, 1 << 20}) {  // also lines that fill the buffer to its end
    auto reader = LineReader::Open(dir.Write("a", std::string(size, 'x')));
    ASSERT_TRUE(reader.ok());
    std::vector<std::string_view> lines;
    ASSERT_TRUE(reader->NextBatch(lines).ok());
    ASSERT_EQ(lines.size(), 1);
    EXPECT_EQ(lines[0].size(), size);
    const std::string behind(lines[0].data() + size, LineReader::kPaddingBytes);
    EXPECT_EQ(behind.size(), LineReader::kPaddingBytes);
  }
}

TEST(LineReader, OtherCompressionsAreRefusedWithTheCommandThatReadsThem) {
  const TempDirectory dir;
  const std::pair<std::string, const char*> files[] = {{std::string("\xfd\x37zXZ\0", 6), "xzcat"},
                                                       {"BZh91AY&SY", "bzcat"},
                                                       {"PK\x03\x04", "unzip -p"},
                                                       {"\x04\x22\x4d\x18", "lz4cat"}};
  for (const auto& [start, command] : files) {
    const std::string file = dir.Write("events", start + "...");
    EXPECT_THAT(Message(ReadAll(file)),
                HasSubstr(std::string("use: ") + command + ' ' + file + " | tidemark replay -"));
  }
}

TEST(LineReader, SaysWhyAnInputCannotBeRead) {
  const TempDirectory dir;
  const ReadResult missing = ReadAll(dir.Path("nowhere.ndjson"));
  EXPECT_TRUE(absl::IsNotFound(missing.status));
  EXPECT_THAT(Message(missing), AllOf(HasSubstr("nowhere.ndjson"), HasSubstr("No such file")));
  EXPECT_THAT(Message(ReadAll(dir.Path(""))), AllOf(HasSubstr("is a directory"), HasSubstr("name its files")));
  const std::string file = dir.Write("file", "x");
  EXPECT_THAT(Message(ReadAll(file + "/in-a-file")), HasSubstr("Not a directory"));
}

TEST(LineReader, AFileThatMayNotBeRead) {
  if (geteuid() == 0) GTEST_SKIP() << "root may read every file";
  const TempDirectory dir;
  const std::string file = dir.Write("secret", "x");
  chmod(file.c_str(), 0);
  EXPECT_THAT(Message(ReadAll(file)), HasSubstr("give this user the right to read it"));
}

TEST(LineReader, APipeHandsOutLinesAsTheyCome) {
  const TempDirectory dir;
  const std::string pipe = dir.Path("pipe");
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  std::ofstream writer;
  std::thread open([&] {
    writer.open(pipe);
    writer << "first" << std::endl;
  });
  auto reader = LineReader::Open(pipe);  // returns when its first bytes are there
  open.join();
  ASSERT_TRUE(reader.ok());
  std::vector<std::string_view> lines;
  ASSERT_TRUE(reader->NextBatch(lines).ok());
  EXPECT_THAT(lines, ElementsAre("first"));
  EXPECT_TRUE(reader->WouldWait());
  writer << "sec" << std::flush << "ond";
  writer.close();
  EXPECT_FALSE(reader->WouldWait());
  ASSERT_TRUE(reader->NextBatch(lines).ok());
  EXPECT_THAT(lines, ElementsAre("second"));
  EXPECT_EQ(reader->total_bytes(), 0) << "a pipe's size is not known";
}

TEST(LineReader, ProgressCountsTheBytesOfTheFileAsItIsStored) {
  const TempDirectory dir;
  const std::string packed = Gzip(ManyLines());
  auto reader = LineReader::Open(dir.Write("a.gz", packed));
  ASSERT_TRUE(reader.ok());
  std::vector<std::string_view> lines;
  do {
    ASSERT_TRUE(reader->NextBatch(lines).ok());
  } while (!lines.empty());
  EXPECT_EQ(reader->total_bytes(), packed.size());
  EXPECT_EQ(reader->consumed_bytes(), packed.size());
}

}  // namespace
}  // namespace tidemark
