#include "ingest/transaction_requests.h"

#include <cstdint>

namespace tidemark {
namespace {

constexpr char kName[] = "tidemark";

// By the keys of Kafka's protocol.
bool EndsTransaction(int16_t api) {
  constexpr int16_t kAddOffsetsToTxn = 25;
  constexpr int16_t kEndTxn = 26;
  constexpr int16_t kTxnOffsetCommit = 28;
  return api == kAddOffsetsToTxn || api == kEndTxn || api == kTxnOffsetCommit;
}

// Whatever the answer says, it is one; what never left is no matter.
bool WithoutAnswer(rd_kafka_resp_err_t error) {
  return error != RD_KAFKA_RESP_ERR_NO_ERROR && error != RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE;
}

}  // namespace

void TransactionRequests::Install(rd_kafka_conf_t* conf) {
  Forget();
  const auto on_new = [](rd_kafka_t* client, const rd_kafka_conf_t*, void* self, char*, size_t) {
    const auto on_response = [](rd_kafka_t*, int, const char*, int32_t, int16_t api, int16_t, int32_t, size_t, int64_t,
                                rd_kafka_resp_err_t error, void* requests) {
      if (EndsTransaction(api) && WithoutAnswer(error)) static_cast<TransactionRequests*>(requests)->unanswered_ = true;
      return RD_KAFKA_RESP_ERR_NO_ERROR;
    };
    return rd_kafka_interceptor_add_on_response_received(client, kName, on_response, self);
  };
  rd_kafka_conf_interceptor_add_on_new(conf, kName, on_new, this);
}

}  // namespace tidemark
