// Makes the threads, the locks and the signals of librdkafka known to the thread sanitizer.
//
// librdkafka uses the threads of C11, which glibc implements without a call that the sanitizer intercepts. A thread of
// thrd_create has no sanitizer state: the first intercepted function on it crashes, be it the malloc of librdkafka
// itself. A lock of mtx_lock orders nothing for the sanitizer: all that two threads hand each other under it is
// reported as a race. Here each of these functions is the one of pthreads, which is intercepted. The types of C11 are
// those of pthreads under another name in glibc. Linked into every program that is built with -fsanitize=thread, where
// the calls of librdkafka find it before the C library's; and into nothing else.
#include <pthread.h>
#include <threads.h>

#include <cerrno>
#include <cstdint>
#include <memory>

namespace {

static_assert(sizeof(mtx_t) == sizeof(pthread_mutex_t) && alignof(mtx_t) == alignof(pthread_mutex_t));
static_assert(sizeof(cnd_t) == sizeof(pthread_cond_t) && alignof(cnd_t) == alignof(pthread_cond_t));
static_assert(sizeof(once_flag) == sizeof(pthread_once_t));

struct Start {
  thrd_start_t function;
  void* argument;
};

void* Run(void* start_pointer) {
  const std::unique_ptr<Start> start(static_cast<Start*>(start_pointer));
  return reinterpret_cast<void*>(static_cast<intptr_t>(start->function(start->argument)));
}

pthread_mutex_t* Pthread(mtx_t* mutex) { return reinterpret_cast<pthread_mutex_t*>(mutex); }
pthread_cond_t* Pthread(cnd_t* condition) { return reinterpret_cast<pthread_cond_t*>(condition); }

int Result(int error) {
  switch (error) {
    case 0:
      return thrd_success;
    case EBUSY:
      return thrd_busy;
    case ETIMEDOUT:
      return thrd_timedout;
    case ENOMEM:
      return thrd_nomem;
    default:
      return thrd_error;
  }
}

}  // namespace

extern "C" {

// librdkafka itself is not instrumented: its reference counts are atomics that the sanitizer does not see, so that the
// free of the last holder looks like a race with whoever read the message before. Nor does it see librdkafka's other
// locks then, so that the first use of a lock that was handed on under one looks like a race with the making of it.
const char* __tsan_default_suppressions() { return "called_from_lib:librdkafka.so\nrace:^mtx_lock$\n"; }

int thrd_create(thrd_t* thread, thrd_start_t function, void* argument) {
  auto start = std::make_unique<Start>(Start{function, argument});
  const int error = pthread_create(thread, nullptr, Run, start.get());
  if (error == 0) static_cast<void>(start.release());
  return error == EAGAIN ? thrd_nomem : Result(error);
}

int thrd_join(thrd_t thread, int* result) {
  void* returned = nullptr;
  const int error = pthread_join(thread, &returned);
  if (error == 0 && result != nullptr) *result = static_cast<int>(reinterpret_cast<intptr_t>(returned));
  return Result(error);
}

int thrd_detach(thrd_t thread) { return Result(pthread_detach(thread)); }

int mtx_init(mtx_t* mutex, int type) {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_settype(&attributes, (type & mtx_recursive) != 0 ? PTHREAD_MUTEX_RECURSIVE : PTHREAD_MUTEX_NORMAL);
  const int error = pthread_mutex_init(Pthread(mutex), &attributes);
  pthread_mutexattr_destroy(&attributes);
  return Result(error);
}

void mtx_destroy(mtx_t* mutex) { pthread_mutex_destroy(Pthread(mutex)); }
int mtx_lock(mtx_t* mutex) { return Result(pthread_mutex_lock(Pthread(mutex))); }
int mtx_trylock(mtx_t* mutex) { return Result(pthread_mutex_trylock(Pthread(mutex))); }
int mtx_timedlock(mtx_t* mutex, const timespec* until) {
  return Result(pthread_mutex_timedlock(Pthread(mutex), until));
}
int mtx_unlock(mtx_t* mutex) { return Result(pthread_mutex_unlock(Pthread(mutex))); }

int cnd_init(cnd_t* condition) { return Result(pthread_cond_init(Pthread(condition), nullptr)); }
void cnd_destroy(cnd_t* condition) { pthread_cond_destroy(Pthread(condition)); }
int cnd_wait(cnd_t* condition, mtx_t* mutex) { return Result(pthread_cond_wait(Pthread(condition), Pthread(mutex))); }
int cnd_timedwait(cnd_t* condition, mtx_t* mutex, const timespec* until) {
  return Result(pthread_cond_timedwait(Pthread(condition), Pthread(mutex), until));
}
int cnd_signal(cnd_t* condition) { return Result(pthread_cond_signal(Pthread(condition))); }
int cnd_broadcast(cnd_t* condition) { return Result(pthread_cond_broadcast(Pthread(condition))); }

void call_once(once_flag* flag, void (*function)()) { pthread_once(reinterpret_cast<pthread_once_t*>(flag), function); }

}  // extern "C"
