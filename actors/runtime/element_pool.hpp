// Memory for the mailbox elements of traced actors, which come and go with every message.
#pragma once

#include <array>
#include <cstddef>
#include <new>
#include <utility>

namespace troupe {

/// Elements are made on the sender's thread and freed on the receiver's; lists per thread, of blocks
/// of one size each, keep both ends off the allocator mostly. What would make them long is not kept.
class element_pool {
 public:
  static void* take(std::size_t bytes) {
    if (bytes > block_bytes_max) return ::operator new(bytes);
    auto& list = of_thread.list_for(bytes);
    if (list.head == nullptr) [[unlikely]]
      return ::operator new(block_bytes(bytes));
    ++list.room;
    return std::exchange(list.head, list.head->next);
  }
  /// `bytes` as they were asked for.
  static void give_back(void* memory, std::size_t bytes) noexcept {
    if (bytes > block_bytes_max) return ::operator delete(memory);
    auto& list = of_thread.list_for(bytes);
    if (list.room == 0) [[unlikely]]
      return free_outside(memory);
    --list.room;
    list.head = new (memory) node{list.head};
  }

 private:
  static constexpr std::size_t step_bytes = 32, block_bytes_max = 224; ///< what is larger is not kept
  static constexpr std::size_t kept_max = 1024;                        ///< of each size
  struct node {
    node* next;
  };
  struct free_list {
    node* head = nullptr;
    std::size_t room = 0; ///< so many more are kept; none before somebody empties it at the thread's end
  };
  struct at_thread_end;

  free_list& list_for(std::size_t bytes) { return lists_[(bytes - 1) / step_bytes]; }
  static constexpr std::size_t block_bytes(std::size_t bytes) {
    return (bytes + step_bytes - 1) / step_bytes * step_bytes;
  }
  /// For the first element that the thread frees, and for those that there is no room for.
  static void free_outside(void* memory) noexcept;

  std::array<free_list, block_bytes_max / step_bytes> lists_{};

  /// Without a destructor of its own, so that using it needs no look whether it lives yet.
  [[gnu::tls_model("initial-exec")]] static constinit thread_local element_pool of_thread;
};

} // namespace troupe
