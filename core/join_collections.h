// Folding what an event brings into a session's collections (collections.h). Part of JoinSession; one thread.
#pragma once

#include <string_view>

#include "core/collections.h"
#include "core/session.h"

namespace tidemark {

// Folds `incoming` into a slot that is a collection.
template <typename T, typename Unpack, typename Merge, typename Pack>
void Fold(Slot slot, const Collected<T>& incoming, ByteBuffer& packed, Session& session, Unpack unpack, Merge merge,
          Pack pack) {
  if (incoming.empty()) return;
  packed.clear();
  pack(merge(unpack(session.fields.Get(slot)), incoming), packed);
  if (packed.view() != session.fields.Get(slot)) session.fields.Set(slot, kBeforeAllTime, packed.view());
}

// The payload's `attributes` and `attributeLists`.
void JoinAttributes(const Event& event, const JoinContext& context, Session& session);

}  // namespace tidemark
