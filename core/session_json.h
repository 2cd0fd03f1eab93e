// Writing a completed session as the JSON of Genesys Cloud's Session: 45 fields in the model's order, absent ones left
// out (spec section 2; session model). One writer per partition; it keeps scratch memory, so one thread.
#pragma once

#include <string>
#include <string_view>

#include "core/byte_buffer.h"
#include "core/identity.h"
#include "core/json_text.h"
#include "core/rules.h"
#include "core/session.h"

namespace tidemark {

class SessionWriter {
 public:
  // `rules` must outlive the writer.
  explicit SessionWriter(const Rules& rules) : rules_(rules) {}

  // Writes the session as it closes now. id() and json() are valid until the next call.
  void Write(const Session& session);

  std::string_view id() const { return id_; }
  std::string_view json() const { return json_.view(); }

 private:
  void SetId(const Session& session, const SessionKey& key);
  template <JsonKey kName>
  void Text(std::string_view value);  // nothing where empty
  template <JsonKey kName>
  void Integer(int64_t value);
  template <JsonKey kName>
  void Bool(bool value);
  template <JsonKey kName>
  void Time(EventTime time);
  template <JsonKey kName>
  void TimeUnlessAfter(EventTime time, EventTime limit);
  template <JsonKey kName>
  void Object(Slot slot, const ObjectModel& model, const Session& session);
  template <JsonKey kName>
  void Reference(std::string_view id, std::string_view uri_prefix);
  template <JsonKey kName>
  void Key();  // with the comma before it
  void WriteCustomer(const Session& session, const SessionKey& key);
  void WriteContext(const Session& session);
  void WriteCounts(const Session& session);
  void WriteConversation(const Session& session);
  void WriteAttributes(const Session& session);
  void WriteAttributeLists(const Session& session);
  template <JsonKey kName, JsonKey kDate, JsonKey kWhat>
  void WriteAchievements(Slot slot, const Session& session);
  void WriteSearchTerms(const Session& session);
  void WriteLastEvent(const Session& session);
  void WriteDisposition(const Session& session);
  void WriteChannels(const Session& session);

  const Rules& rules_;
  UuidV5Generator uuids_;
  std::string name_;  // what a UUID is made of
  std::string id_;
  ByteBuffer json_;
  ByteBuffer value_json_;
};

}  // namespace tidemark
