#include "core/session_table.h"

#include <utility>

namespace tidemark {

SessionRef SessionTable::Find(uint64_t key_hash) const {
  const auto head = heads_.find(key_hash);
  return head == heads_.end() ? kNoSession : head->second;
}

SessionRef SessionTable::Add(uint64_t key_hash) {
  if (free_.empty()) {
    const auto first = static_cast<SessionRef>(chunks_.size() * kChunk);
    chunks_.push_back(std::make_unique<std::array<Session, kChunk>>());
    for (SessionRef i = kChunk; i > 0; --i) free_.push_back(first + i - 1);
  }
  const SessionRef ref = free_.back();
  free_.pop_back();
  ++size_;
  Session& session = (*this)[ref];
  session.key_hash = key_hash;
  const auto [head, inserted] = heads_.try_emplace(key_hash, ref);
  if (!inserted) session.next = std::exchange(head->second, ref);
  return ref;
}

void SessionTable::Remove(SessionRef ref) {
  Session& session = (*this)[ref];
  const auto head = heads_.find(session.key_hash);
  if (head->second != ref) {
    SessionRef before = head->second;
    while ((*this)[before].next != ref) before = (*this)[before].next;
    (*this)[before].next = session.next;
  } else if (session.next != kNoSession) {
    head->second = session.next;
  } else {
    heads_.erase(head);
  }
  const uint32_t generation = session.generation + 1;
  session = Session{};
  session.generation = generation;
  free_.push_back(ref);
  --size_;
}

uint64_t SessionTable::bytes() const {
  return chunks_.size() * sizeof(std::array<Session, kChunk>) +
         heads_.capacity() * (sizeof(std::pair<uint64_t, SessionRef>) + 1);
}

}  // namespace tidemark
