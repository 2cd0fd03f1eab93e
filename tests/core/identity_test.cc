#include "core/identity.h"

#include <gtest/gtest.h>

namespace tidemark {
namespace {

TEST(IdentityTest, UuidV5InTheUrlNamespace) {
  UuidV5Generator uuids;
  std::string uuid;
  uuids.Generate("http://www.example.com/", uuid);
  EXPECT_EQ(uuid, "fcde3c85-2270-590f-9e7c-ee003d65e0e2");
  uuids.Generate("tidemark:session:cookie:visitor-1:web:2025-11-24T10:30:00.000Z", uuid);
  EXPECT_EQ(uuid, "48cfd7ba-074c-5ad3-985d-575b0e31acc7");
}

TEST(IdentityTest, ShortIdIsSixDigitsOfFnv1a) {
  EXPECT_EQ(ShortId("48cfd7ba-074c-5ad3-985d-575b0e31acc7"), 501469u);
  EXPECT_EQ(ShortId("s-77"), 774987u);
}

TEST(IdentityTest, ExplicitKeysComeFirstThenBytesDecide) {
  const SessionKey explicit_z{false, {}, "z", "web"};
  const SessionKey customer_a{true, "cookie", "a", "web"};
  EXPECT_LT(explicit_z, customer_a);
  EXPECT_LT((SessionKey{false, {}, "a", "web"}), (SessionKey{false, {}, "a\xc3\xa9", "app"}));
  EXPECT_LT((SessionKey{false, {}, "z", "web"}), (SessionKey{false, {}, "\xc3\xa9", "web"}));
}

TEST(IdentityTest, PackedKeysComeBackAndDiffer) {
  const SessionKey key{true, "phone", std::string_view("\0+49", 4), "conversation"};
  ByteBuffer packed;
  PackKey(key, packed);
  EXPECT_EQ(UnpackKey(packed.view()), key);
  ByteBuffer other;
  PackKey({true, "phon", std::string_view("e\0+49", 5), "conversation"}, other);
  EXPECT_NE(packed.view(), other.view());
}

}  // namespace
}  // namespace tidemark
