#include "core/identity.h"

#include <openssl/evp.h>
#include <xxhash.h>

#include <new>

#include "core/packed.h"

namespace tidemark {
namespace {

// 6ba7b811-9dad-11d1-80b4-00c04fd430c8
constexpr unsigned char kUrlNamespace[16] = {0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1,
                                             0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8};

}  // namespace

uint64_t HashPackedKey(std::string_view packed) { return XXH3_64bits(packed.data(), packed.size()); }

void PackKey(const SessionKey& key, ByteBuffer& packed) {
  BytePacker pack(packed);
  pack.Byte(key.by_customer ? 1 : 0);
  pack.Text(key.customer_id_type);
  pack.Text(key.id);
  pack.Text(key.type);
}

SessionKey UnpackKey(std::string_view packed) {
  Unpacker unpack(packed);
  SessionKey key;
  key.by_customer = unpack.Byte() != 0;
  key.customer_id_type = unpack.Text();
  key.id = unpack.Text();
  key.type = unpack.Text();
  return key;
}

uint32_t ShortId(std::string_view id) {
  uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : id) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3ULL;
  }
  return static_cast<uint32_t>(hash % 900'000 + 100'000);
}

struct UuidV5Generator::Sha1 {
  EVP_MD* algorithm = EVP_MD_fetch(nullptr, "SHA1", nullptr);
  EVP_MD_CTX* context = EVP_MD_CTX_new();

  Sha1() {
    if (algorithm == nullptr || context == nullptr) throw std::bad_alloc();
  }
  ~Sha1() {
    EVP_MD_CTX_free(context);
    EVP_MD_free(algorithm);
  }
  Sha1(const Sha1&) = delete;
  Sha1& operator=(const Sha1&) = delete;
};

UuidV5Generator::UuidV5Generator() : sha1_(std::make_unique<Sha1>()) {}
UuidV5Generator::~UuidV5Generator() = default;
UuidV5Generator::UuidV5Generator(UuidV5Generator&&) noexcept = default;
UuidV5Generator& UuidV5Generator::operator=(UuidV5Generator&&) noexcept = default;

void UuidV5Generator::Generate(std::string_view name, std::string& out) {
  static constexpr char kHex[] = "0123456789abcdef";
  unsigned char digest[EVP_MAX_MD_SIZE];
  EVP_DigestInit_ex(sha1_->context, sha1_->algorithm, nullptr);
  EVP_DigestUpdate(sha1_->context, kUrlNamespace, sizeof(kUrlNamespace));
  EVP_DigestUpdate(sha1_->context, name.data(), name.size());
  EVP_DigestFinal_ex(sha1_->context, digest, nullptr);
  digest[6] = static_cast<unsigned char>((digest[6] & 0x0F) | 0x50);
  digest[8] = static_cast<unsigned char>((digest[8] & 0x3F) | 0x80);
  out.clear();
  for (int i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
    out += kHex[digest[i] >> 4];
    out += kHex[digest[i] & 0xF];
  }
}

}  // namespace tidemark
