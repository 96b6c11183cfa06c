// What threads of this program are called, in debuggers and by who looks for threads that are not ours.
#pragma once

#include <pthread.h>

namespace troupe {

/// Names the calling thread. By its name a thread counts as one that sends no messages of its own accord; at
/// most 15 characters, of which the first are "troupe.".
inline void name_thread(const char* name) { ::pthread_setname_np(::pthread_self(), name); }

} // namespace troupe
