// That the comparison of a fault run can fail, and says of what kind a difference is.
#include "tests/faults/ledger.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

namespace tidemark::testing {
namespace {

class LedgerTest : public ::testing::Test {
 protected:
  static std::string NewDirectory() {
    std::string pattern = std::filesystem::temp_directory_path().string() + "/tidemark-ledger-XXXXXX";
    return mkdtemp(pattern.data());
  }
  ~LedgerTest() override { std::filesystem::remove_all(directory_); }

  const std::string directory_ = NewDirectory();
  Ledger ledger_{directory_};
};

TEST_F(LedgerTest, FindsNothingWhereBothSidesAreTheSame) {
  for (const char* content : {"a", "a", "b"}) ledger_.Expect("session 1", content);
  for (const char* content : {"b", "a", "a"}) ledger_.Saw("session 1", content);
  EXPECT_TRUE(ledger_.Compare().none());
}

TEST_F(LedgerTest, ASessionThatIsNotThereIsLost) {
  ledger_.Expect("session 1", "a");
  ledger_.Expect("session 2", "a");
  ledger_.Saw("session 2", "a");
  const Differences found = ledger_.Compare();
  EXPECT_EQ(found.lost, 1u);
  EXPECT_EQ(found.duplicated, 0u);
  EXPECT_EQ(found.wrong, 0u);
  ASSERT_EQ(found.examples.size(), 1u);
  EXPECT_NE(found.examples[0].find("session 1"), std::string::npos);
}

TEST_F(LedgerTest, ASecondCopyIsDuplicated) {
  ledger_.Expect("session 1", "a");
  for (int i = 0; i < 3; ++i) ledger_.Saw("session 1", "a");
  const Differences found = ledger_.Compare();
  EXPECT_EQ(found.lost, 0u);
  EXPECT_EQ(found.duplicated, 2u);
  EXPECT_EQ(found.wrong, 0u);
}

TEST_F(LedgerTest, AnotherContentIsWrong) {
  ledger_.Expect("session 1", "a");
  ledger_.Saw("session 1", "b");
  const Differences found = ledger_.Compare();
  EXPECT_EQ(found.lost, 0u);
  EXPECT_EQ(found.duplicated, 0u);
  EXPECT_EQ(found.wrong, 1u);
}

TEST_F(LedgerTest, WhatNobodyExpectsIsWrong) {
  ledger_.Saw("session 1", "a");
  EXPECT_EQ(ledger_.Compare().wrong, 1u);
}

}  // namespace
}  // namespace tidemark::testing
