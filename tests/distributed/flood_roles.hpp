// An actor that floods another one, and the other, which is ten times slower. They may be in
// two processes: a file that both map tells the slow one how far the other is.
#pragma once

#include "actors/node/node.hpp"

#include <caf/all.hpp>

#include <atomic>
#include <fcntl.h>
#include <limits>
#include <stdexcept>
#include <sys/mman.h>
#include <thread>
#include <unistd.h>

namespace troupe::testing {

inline constexpr std::uint64_t slower = 10;

/// Of a node under a flood, in bytes: what waits for a link, of a link and for an actor.
inline constexpr std::uint64_t flood_queue = 8U << 20, flood_window = 4U << 20, flood_arrivals = 16U << 20;
/// Of its scheduler. The allocator has an arena for each, and when another thread goes on with
/// the decoding, what the first one's arena held may stay with the process.
inline constexpr std::uint64_t flood_threads = 2;

/// How many messages were sent: all processes that name the same file see the same number.
class shared_count {
 public:
  explicit shared_count(const std::string& file) {
    const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ::ftruncate(fd, sizeof(number)) != 0) throw std::runtime_error("cannot open " + file);
    void* at = ::mmap(nullptr, sizeof(number), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ::close(fd);
    if (at == MAP_FAILED) throw std::runtime_error("cannot map " + file);
    value_ = static_cast<number*>(at);
  }
  ~shared_count() { ::munmap(value_, sizeof(number)); }
  shared_count(const shared_count&) = delete;
  shared_count& operator=(const shared_count&) = delete;

  void set(std::uint64_t x) { value_->store(x, std::memory_order_relaxed); }
  std::uint64_t get() const { return value_->load(std::memory_order_relaxed); }

 private:
  using number = std::atomic<std::uint64_t>;
  static_assert(number::is_always_lock_free);
  number* value_ = nullptr;
};

struct slow_state {
  static inline const char* name = "slow";
  std::uint64_t handled = 0;
};
/// Handles one text while ten are sent, and tells how many it handled.
inline caf::behavior slow(actor_of<slow_state>* self, const std::string& file) {
  auto sent = std::make_shared<shared_count>(file);
  return {
      [=](const std::string&) {
        ++self->state.handled;
        while (sent->get() < slower * self->state.handled)
          std::this_thread::yield();
      },
      [=](std::uint64_t) { return self->state.handled; },
  };
}

struct flooder_state {
  static inline const char* name = "flooder";
  std::uint64_t refused = 0;
  caf::typed_response_promise<std::uint64_t, std::uint64_t> answer;
};
using flooder_actor = actor_of<flooder_state>;

/// Asks how many were handled, behind all that was sent, until the question itself gets through.
inline void ask_slow(flooder_actor* self, const caf::actor& whom) {
  self->request(whom, caf::infinite, std::uint64_t{0})
      .then([=](std::uint64_t handled) { self->state.answer.deliver(handled, self->state.refused); },
            [=](const caf::error& why) {
              if (why != caf::sec::runtime_error) {
                self->state.answer.deliver(why);
                return;
              }
              ++self->state.refused;
              ask_slow(self, whom);
            });
}

/// Sends `count` texts of `size` bytes as fast as it can. Answers with how many of them were
/// handled, and how many questions about that were refused.
inline caf::behavior flooder(flooder_actor* self, const caf::actor& whom, const std::string& file) {
  return {[=](std::uint64_t count, std::uint64_t size) {
    shared_count sent{file};
    for (std::uint64_t i = 1; i <= count; ++i) {
      self->send(whom, std::string(size, 'x'));
      sent.set(i);
    }
    sent.set(std::numeric_limits<std::uint64_t>::max());
    self->state.answer = self->make_response_promise<std::uint64_t, std::uint64_t>();
    ask_slow(self, whom);
    return self->state.answer;
  }};
}

} // namespace troupe::testing
