// Makes the threads of librdkafka known to the thread sanitizer.
//
// librdkafka starts its threads with thrd_create, which glibc implements without a call that the sanitizer intercepts.
// Such a thread has no sanitizer state, and the first instrumented function that runs on it, one of our callbacks,
// crashes. Here thrd_create and thrd_join are calls of pthread_create and pthread_join, which are intercepted. Linked
// into everything that is built with -fsanitize=thread, and nothing else.
#include <pthread.h>
#include <threads.h>

#include <cstdint>
#include <memory>

namespace {

struct Start {
  thrd_start_t function;
  void* argument;
};

void* Run(void* start_pointer) {
  const std::unique_ptr<Start> start(static_cast<Start*>(start_pointer));
  return reinterpret_cast<void*>(static_cast<intptr_t>(start->function(start->argument)));
}

}  // namespace

extern "C" {

int thrd_create(thrd_t* thread, thrd_start_t function, void* argument) {
  auto start = std::make_unique<Start>(Start{function, argument});
  pthread_t created{};
  if (pthread_create(&created, nullptr, Run, start.get()) != 0) return thrd_error;
  static_cast<void>(start.release());
  *thread = created;
  return thrd_success;
}

int thrd_join(thrd_t thread, int* result) {
  void* returned = nullptr;
  if (pthread_join(thread, &returned) != 0) return thrd_error;
  if (result != nullptr) *result = static_cast<int>(reinterpret_cast<intptr_t>(returned));
  return thrd_success;
}

}  // extern "C"
