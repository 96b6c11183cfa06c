#include "transport/hub/ready_list.hpp"

#include <cerrno>
#include <sys/eventfd.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace troupe::transport {

ready_list::ready_list() : descriptor_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (descriptor_ < 0) throw std::system_error(errno, std::generic_category(), "cannot make an eventfd");
}

ready_list::~ready_list() { ::close(descriptor_); }

void ready_list::ready(const link_ptr& l) {
  if (!l->marked_ready.exchange(true, std::memory_order_acq_rel)) {
    const std::lock_guard guard(mutex_);
    if (closed_) return;
    links_.push_back(l);
  }
  wake();
}

void ready_list::close() {
  std::vector<link_ptr> left; // released without the lock
  const std::lock_guard guard(mutex_);
  closed_ = true;
  left.swap(links_);
}

void ready_list::post(std::function<void()> command) {
  {
    const std::lock_guard guard(mutex_);
    commands_.push_back(std::move(command));
  }
  wake();
}

void ready_list::wake() {
  if (sleeping_.load() && sleeping_.exchange(false)) {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written =
        ::write(descriptor_, &one, sizeof one); // full: it is readable anyway
  }
}

std::vector<link_ptr> ready_list::take_links() {
  const std::lock_guard guard(mutex_);
  return std::exchange(links_, {});
}

std::vector<std::function<void()>> ready_list::take_commands() {
  const std::lock_guard guard(mutex_);
  return std::exchange(commands_, {});
}

bool ready_list::try_sleep() {
  sleeping_.store(true);
  const std::lock_guard guard(mutex_);
  if (links_.empty() && commands_.empty()) return true;
  sleeping_.store(false);
  return false;
}

void ready_list::awake(bool signalled) {
  sleeping_.store(false);
  if (!signalled) return;
  std::uint64_t count = 0;
  [[maybe_unused]] const auto got = ::read(descriptor_, &count, sizeof count);
}

} // namespace troupe::transport
