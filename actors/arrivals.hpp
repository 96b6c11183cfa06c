// What came from other nodes and waits in one actor's mailbox: bounded, so that who sends
// faster than its receiver handles does not fill that node's memory.
#pragma once

#include <caf/mailbox_element.hpp>
#include <caf/message.hpp>
#include <caf/type_erased_value.hpp>

#include <atomic>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

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

/// The message with these elements in order.
caf::message message_of(std::vector<caf::type_erased_value_ptr> elements);

/// As CAF's own mailbox elements, which are final, with a share: a message of one element.
class arrived_value : public caf::mailbox_element, public caf::type_erased_tuple {
 public:
  arrived_value(caf::strong_actor_ptr&& sender, caf::message_id id, arrival_share&& share)
      : mailbox_element(std::move(sender), id, {}), share_(std::move(share)) {}

  caf::type_erased_tuple& content() override { return *this; }
  const caf::type_erased_tuple& content() const override { return *this; }
  caf::message move_content_to_message() override;
  caf::message copy_content_to_message() const override;

  std::size_t size() const noexcept override { return 1; }
  caf::error load(std::size_t, caf::deserializer& source) override { return value().load(source); }
  caf::error save(std::size_t, caf::serializer& sink) const override { return value().save(sink); }
  std::string stringify(std::size_t) const override { return value().stringify(); }
  caf::type_erased_value_ptr copy(std::size_t) const override { return value().copy(); }

 private:
  virtual caf::type_erased_value& value() = 0;
  virtual const caf::type_erased_value& value() const = 0;
  virtual caf::type_erased_value_ptr take() = 0;

  arrival_share share_;
};

/// Made with an empty value, which is read in place.
template <class T>
class arrived_element final : public arrived_value {
 public:
  arrived_element(caf::strong_actor_ptr&& sender, caf::message_id id, arrival_share&& share)
      : arrived_value(std::move(sender), caf::mailbox_category_corrector<T>::apply(id), std::move(share)) {}

  const void* get(std::size_t) const noexcept override { return &static_cast<const T&>(value_); }
  void* get_mutable(std::size_t) override { return &static_cast<T&>(value_); }
  caf::rtti_pair type(std::size_t) const noexcept override { return caf::make_rtti_pair<T>(); }
  std::uint32_t type_token() const noexcept override { return caf::make_type_token<T>(); }

 private:
  caf::type_erased_value& value() override { return value_; }
  const caf::type_erased_value& value() const override { return value_; }
  caf::type_erased_value_ptr take() override {
    return caf::make_type_erased_value<T>(std::move(static_cast<T&>(value_)));
  }

  caf::detail::type_erased_value_impl<T> value_;
};

/// The same for a message of any content.
class arrived_message final : public caf::mailbox_element {
 public:
  arrived_message(caf::strong_actor_ptr&& sender, caf::message_id id, forwarding_stack&& stages,
                  caf::message&& content, arrival_share&& share)
      : mailbox_element(std::move(sender), id, std::move(stages)), content_(std::move(content)),
        share_(std::move(share)) {}

  caf::type_erased_tuple& content() override { return content_; }
  const caf::type_erased_tuple& content() const override { return content_.content(); }
  caf::message move_content_to_message() override { return std::move(content_); }
  caf::message copy_content_to_message() const override { return content_; }

 private:
  caf::message content_;
  arrival_share share_;
};

} // namespace troupe
