// The document accepts exactly JSON objects, wherever in them a fault is, and reads nothing outside its bytes.
#include "core/document.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace tidemark {
namespace {

using Fault = Document::Fault;

class RejectedTest : public testing::TestWithParam<std::string> {};

TEST_P(RejectedTest, IsInvalidJson) {
  Document document;
  EXPECT_EQ(document.Parse(GetParam()), Fault::kInvalidJson) << GetParam();
  // The same fault inside a value that nobody reads.
  EXPECT_EQ(document.Parse("{\"unused\":[" + GetParam() + "]}"), Fault::kInvalidJson) << GetParam();
}

INSTANTIATE_TEST_SUITE_P(BrokenStructure, RejectedTest,
                         testing::Values("{", "}", "{]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{,}",
                                         "{\"a\":1 \"b\":2}", "{\"a\" 1}", "{\"a\":[1}", "{\"a\":[1,]}",
                                         "{\"a\":[1:2]}", "{\"a\":1]", "{\"a\":\"b}", "{a:1}", "{\"a\":'b'}", "{1:2}",
                                         "{\"a\":{\"b\":1}", "{\"a\":1}}", "{\"a\"::1}", "{\"a\":1,,\"b\":2}",
                                         "{\"a\":\"x\"\"y\"}", "{\"a\":1\"y\"}", "{\"a\":tru}", "{\"a\":nulll}",
                                         "{\"a\":True}", "{\"a\":01}", "{\"a\":1.}", "{\"a\":.5}", "{\"a\":-}",
                                         "{\"a\":1e}", "{\"a\":+1}", "{\"a\":0x1}", "{\"a\":NaN}", "{\"a\":\"\\x\"}",
                                         "{\"a\":\"\\u12\"}", "{\"a\":\"\\u12g4\"}", "{\"a\":\"tab\tinside\"}",
                                         std::string("{\"a\":\"\0\"}", 9), std::string("{\"a\":1\0}", 8),
                                         "{\"a\":1\x01}", "\xEF\xBB\xBF{}"));

TEST(DocumentTest, TheRootMustBeOneObject) {
  Document document;
  for (const char* json : {"", " ", "[]", "1", "\"a\"", "null", "{}{}", "{} x", "{},", "[{}]"}) {
    EXPECT_EQ(document.Parse(json), Fault::kInvalidJson) << json;
  }
  for (const char* json : {"{}", " \t\r\n{ } \n", "{\"a\":[]}", "{\"a\":{},\"b\":[[],[{}]]}", "{\"a\":-0.5e+10}"}) {
    EXPECT_EQ(document.Parse(json), Fault::kNone) << json;
  }
}

// Of every text of so many pieces, those empty included, and every form with the text in the places of its `%`: it is
// JSON or not as another parser says. Returns how many were.
size_t AgreeOnAll(const std::vector<std::string>& pieces, int places, const std::vector<std::string>& forms) {
  Document document;
  size_t good = 0;
  std::vector<size_t> chosen(static_cast<size_t>(places));
  for (size_t place = 0; place < chosen.size();) {
    std::string text;
    for (const size_t piece : chosen) text += pieces[piece];
    for (std::string json : forms) {
      for (size_t at = 0; (at = json.find('%', at)) != std::string::npos; at += text.size()) json.replace(at, 1, text);
      const bool accepted = nlohmann::json::accept(json);
      good += accepted ? 1 : 0;
      EXPECT_EQ(document.Parse(json) == Fault::kNone, accepted) << json;
    }
    for (place = 0; place < chosen.size() && ++chosen[place] == pieces.size(); ++place) chosen[place] = 0;
  }
  return good;
}

TEST(DocumentTest, ScalarsAreWhatAnotherParserSays) {
  const size_t good = AgreeOnAll({"", "0", "1", "9", "-", "+", ".", "e", "true", "false", "null", "tru", "x", " "}, 4,
                                 {"{\"a\":%}", "{\"a\":%,\"b\":\"behind it\"}", "{\"a\":[%,%],\"b\":\"behind it\"}"});
  EXPECT_GT(good, 1000u);
}

TEST(DocumentTest, StructureIsWhatAnotherParserSays) {
  const size_t good = AgreeOnAll({"", "{", "}", "[", "]", ":", ",", "\"k\"", "1", "null"}, 5,
                                 {"{%}", "{\"a\":%}", "{\"a\":[%]}", "{\"a\":{\"b\":[{%}]}}"});
  EXPECT_GT(good, 500u);
}

TEST(DocumentTest, BadUtf8ComesBeforeBadJson) {
  Document document;
  for (const char* json : {"{\"a\":\"\xff\"}", "{\"a\":\"\xff", "\xc0\x80", "{\"a\":\"\xed\xa0\x80\"}"}) {
    EXPECT_EQ(document.Parse(json), Fault::kInvalidUtf8) << json;
  }
}

TEST(DocumentTest, DepthCostsMemoryOnly) {
  Document document;
  const std::string deep = "{\"a\":" + std::string(100'000, '[') + std::string(100'000, ']') + "}";
  EXPECT_EQ(document.Parse(deep), Fault::kNone);
  EXPECT_EQ(document.Parse(deep.substr(0, deep.size() - 2)), Fault::kInvalidJson);
}

Node Member(const Document& document, std::string_view name) {
  Node found = kNoNode;
  document.ForEachMember(Document::root(), [&](std::string_view key, Node value) {
    if (key == name) found = value;
  });
  return found;
}

TEST(DocumentTest, ReadsEscapesInKeysAndValues) {
  Document document;
  ASSERT_EQ(document.Parse(R"({"\u0069d" : "a\"\\\/\b\f\n\r\t\u00e9\u20ac\ud83d\ude00" , "n":1})"), Fault::kNone);
  EXPECT_EQ(document.String(Member(document, "id")), "a\"\\/\b\f\n\r\té€😀");
  EXPECT_EQ(document.String(Member(document, "n")), std::nullopt);
}

TEST(DocumentTest, ALoneSurrogateIsNoString) {
  Document document;
  for (const char* text :
       {R"(\ud800)", R"(\udc00)", R"(\ud800x)", R"(\ud800\n)", R"(\ud800\ud800)", R"(\udc00\ud800)"}) {
    const std::string json = "{\"a\":\"" + std::string(text) + "\"}";
    ASSERT_EQ(document.Parse(json), Fault::kNone) << text;
    EXPECT_EQ(document.String(Member(document, "a")), std::nullopt) << text;
  }
  ASSERT_EQ(document.Parse(R"({"\ud800":1,"b":2})"), Fault::kNone);
  EXPECT_EQ(document.Raw(Member(document, "b")), "2");
}

TEST(DocumentTest, TheLastOfARepeatedKeyComesLast) {
  Document document;
  ASSERT_EQ(document.Parse(R"({"a":{"deep":[1,{}]},"a":[2],"a":"three"})"), Fault::kNone);
  EXPECT_EQ(document.String(Member(document, "a")), "three");
}

TEST(DocumentTest, IntegersAreWholeAndFitIn64Bits) {
  Document document;
  ASSERT_EQ(
      document.Parse(R"({"a":-12,"b":1.0,"c":1e3,"d":9223372036854775807,"e":9223372036854775808,"f":"1","g":-0})"),
      Fault::kNone);
  EXPECT_EQ(document.Integer(Member(document, "a")), -12);
  EXPECT_EQ(document.Integer(Member(document, "b")), std::nullopt);
  EXPECT_EQ(document.Integer(Member(document, "c")), std::nullopt);
  EXPECT_EQ(document.Integer(Member(document, "d")), INT64_MAX);
  EXPECT_EQ(document.Integer(Member(document, "e")), std::nullopt);
  EXPECT_EQ(document.Integer(Member(document, "f")), std::nullopt);
  EXPECT_EQ(document.Integer(Member(document, "g")), 0);
}

TEST(DocumentTest, RawIsTheValueWithoutTheBlanksAroundIt) {
  Document document;
  ASSERT_EQ(document.Parse("{\"a\" : [ 1 , 2 ] , \"b\" : \"x\" , \"c\" : 3 \n}"), Fault::kNone);
  EXPECT_EQ(document.Raw(Member(document, "a")), "[ 1 , 2 ]");
  EXPECT_EQ(document.Raw(Member(document, "b")), "\"x\"");
  EXPECT_EQ(document.Raw(Member(document, "c")), "3");
}

// Records lie where the Kafka client put them, perhaps at the very end of a page.
TEST(DocumentTest, ReadsNothingBehindTheEnd) {
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  void* const memory = mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  char* const edge = static_cast<char*>(memory) + page;
  ASSERT_EQ(mprotect(edge, page, PROT_NONE), 0);
  Document document;
  for (size_t padding = 0; padding < 200; ++padding) {
    const std::string json = "{\"key\":\"" + std::string(padding, 'x') + "\",\"n\":[1,true,\"\\u0041\"]}";
    for (const size_t size : {json.size(), json.size() - 1, json.size() / 2}) {
      char* const place = edge - size;
      std::memcpy(place, json.data(), size);
      EXPECT_EQ(document.Parse({place, size}), size == json.size() ? Fault::kNone : Fault::kInvalidJson);
    }
  }
  munmap(memory, 2 * page);
}

// Every prefix of a document, and every document with one byte replaced, is either taken or refused, never a crash;
// the prefixes are all refused.
TEST(DocumentTest, SurvivesTruncationAndReplacedBytes) {
  const std::string json = R"({"a":{"b":[1,2.5e3,{"c":"d\n"}],"e":null},"f":true,"g":"\u0041é"})";
  Document document;
  for (size_t size = 0; size < json.size(); ++size) {
    const std::vector<char> exact(json.begin(), json.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_NE(document.Parse({exact.data(), exact.size()}), Fault::kNone) << size;
  }
  for (size_t i = 0; i < json.size(); ++i) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string changed = json;
      changed[i] = static_cast<char>(byte);
      if (document.Parse(changed) != Fault::kNone) continue;
      document.ForEachMember(Document::root(), [&](std::string_view, Node value) {
        EXPECT_LE(document.Raw(value).size(), changed.size());
      });
    }
  }
}

}  // namespace
}  // namespace tidemark
