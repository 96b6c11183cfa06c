#include "transport/session/inbound.hpp"

namespace troupe::transport {

inbound_frame::impl::~impl() = default;

inbound_frame::inbound_frame(std::unique_ptr<impl> i) : impl_(std::move(i)) {}
inbound_frame::inbound_frame(inbound_frame&&) noexcept = default;
inbound_frame& inbound_frame::operator=(inbound_frame&& other) noexcept {
  inbound_frame old(std::move(*this));
  impl_ = std::move(other.impl_);
  return *this;
}

inbound_frame::~inbound_frame() {
  if (!impl_ || !impl_->credit) return;
  if (impl_->credit->consume(impl_->bytes().size()) && impl_->on_credit) (*impl_->on_credit)();
}

bool inbound_frame::next(envelope_view& view) {
  if (!impl_ || impl_->left.empty()) return false;
  return read_envelope(impl_->left, view, impl_->context) == nullptr;
}

std::size_t inbound_frame::size_bytes() const { return impl_ ? impl_->bytes().size() : 0; }

} // namespace troupe::transport
