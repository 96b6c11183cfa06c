// ZeroMQ hands messages from thread to thread with atomics of its own, which
// ThreadSanitizer does not see where the library is not built with it. These two tell it.
#pragma once

#if defined(__SANITIZE_THREAD__)
#define TROUPE_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TROUPE_THREAD_SANITIZER 1
#endif
#endif

#ifdef TROUPE_THREAD_SANITIZER
extern "C" void __tsan_acquire(void*);
extern "C" void __tsan_release(void*);
#endif

namespace troupe::transport {

#ifdef TROUPE_THREAD_SANITIZER
inline char handover_mark = 0;
inline void before_handover() { __tsan_release(&handover_mark); }
inline void after_handover() { __tsan_acquire(&handover_mark); }
#else
inline void before_handover() {}
inline void after_handover() {}
#endif

} // namespace troupe::transport
