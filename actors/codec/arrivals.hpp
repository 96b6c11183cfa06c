// What came from other nodes and waits in one actor's mailbox: bounded, so that who sends
// faster than its receiver handles does not fill that node's memory.
#pragma once

#include "actors/codec/content.hpp"

#include <caf/mailbox_element.hpp>
#include <caf/message.hpp>

#include <atomic>
#include <cstdint>
#include <utility>

namespace troupe {

/// Bytes a message is charged for besides its payload: its mailbox element and allocation.
inline constexpr std::uint64_t arrival_overhead = 160;
/// What may wait in one mailbox unless a node is told otherwise, in bytes.
inline constexpr std::uint64_t arrivals_bytes_max_default = 256U << 20;

/// The sum of an actor's shares. Thread-safe. Lives until its owner and all shares are gone:
/// messages outlive their receiver in mailboxes and as contents of others.
class arrival_quota {
 public:
  arrival_quota() = default;
  arrival_quota(const arrival_quota&) = delete;
  arrival_quota& operator=(const arrival_quota&) = delete;

  /// Adds to the sum unless that would exceed `limit`; the first is always let in.
  bool take(std::uint64_t bytes, std::uint64_t limit) {
    const auto before = held_.fetch_add(bytes, std::memory_order_relaxed) - 1;
    if (before == 0 || before + bytes <= limit) return true;
    give_back(bytes);
    return false;
  }
  void give_back(std::uint64_t bytes) {
    if (held_.fetch_sub(bytes, std::memory_order_acq_rel) == bytes) delete this;
  }
  /// The owner has no more use for it.
  void leave() { give_back(1); }

 private:
  ~arrival_quota() = default;
  std::atomic<std::uint64_t> held_{1}; ///< one byte is the owner's
};

/// Of one message, while it waits and is handled. Empty: nobody counts it.
class arrival_share {
 public:
  arrival_share() = default;
  /// Of what `quota` has taken already.
  arrival_share(arrival_quota& quota, std::uint64_t bytes) : quota_(&quota), bytes_(bytes) {}
  arrival_share(arrival_share&& other) noexcept
      : quota_(std::exchange(other.quota_, nullptr)), bytes_(other.bytes_) {}
  arrival_share& operator=(arrival_share&& other) noexcept {
    std::swap(quota_, other.quota_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~arrival_share() {
    if (quota_ != nullptr) quota_->give_back(bytes_);
  }

 private:
  arrival_quota* quota_ = nullptr;
  std::uint64_t bytes_ = 0;
};

/// A mailbox element with a share.
class arrived : public caf::mailbox_element {
 public:
  arrived(caf::strong_actor_ptr&& sender, caf::message_id id, forwarding_stack&& stages,
          arrival_share&& share = {})
      : mailbox_element(std::move(sender), id, std::move(stages)), share_(std::move(share)) {}

 private:
  arrival_share share_;
};

/// One with a message of any content.
class arrived_message final : public arrived {
 public:
  arrived_message(caf::message&& content, caf::strong_actor_ptr&& sender, caf::message_id id,
                  forwarding_stack&& stages, arrival_share&& share)
      : arrived(std::move(sender), id, std::move(stages), std::move(share)), content_(std::move(content)) {}

  caf::type_erased_tuple& content() override { return content_; }
  const caf::type_erased_tuple& content() const override { return content_.content(); }
  caf::message move_content_to_message() override { return std::move(content_); }
  caf::message copy_content_to_message() const override { return content_; }

 private:
  caf::message content_;
};

} // namespace troupe

TROUPE_ELEMENTS(extern, troupe::arrived)
