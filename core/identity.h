// A session's key, and the ids derived from it (spec sections 2 and 3). Pure functions, any thread, except
// UuidV5Generator, which belongs to one thread.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/byte_buffer.h"

namespace tidemark {

// (session.id, type) where the event has a session id, else (customerIdType, customerId, type). Views of somebody
// else's bytes. The order is the one in which sessions due at the same time close: explicit keys first, then bytes.
struct SessionKey {
  bool by_customer = false;
  std::string_view customer_id_type;  // empty: none; always empty for an explicit key
  std::string_view id;                // session.id, conversationId or customerId
  std::string_view type;

  friend bool operator==(const SessionKey&, const SessionKey&) = default;
  friend std::strong_ordering operator<=>(const SessionKey&, const SessionKey&) = default;
};

// Packed form, and back; the views of the result point into `packed`.
void PackKey(const SessionKey& key, ByteBuffer& packed);
SessionKey UnpackKey(std::string_view packed);

// Stable over builds and machines.
uint64_t HashPackedKey(std::string_view packed);

// decimal of FNV-1a-64(id) mod 900000 + 100000
uint32_t ShortId(std::string_view id);

// Name-based UUIDs in the URL namespace (RFC 9562, version 5; SHA-1 through OpenSSL).
class UuidV5Generator {
 public:
  UuidV5Generator();
  ~UuidV5Generator();
  UuidV5Generator(UuidV5Generator&&) noexcept;
  UuidV5Generator& operator=(UuidV5Generator&&) noexcept;

  // Replaces `out` by the UUID of `name`: 36 characters, lower case.
  void Generate(std::string_view name, std::string& out);

 private:
  struct Sha1;
  std::unique_ptr<Sha1> sha1_;
};

}  // namespace tidemark
