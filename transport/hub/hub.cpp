#include "transport/hub/hub.hpp"

#include "transport/hub/hub_loop.hpp"

#include <future>

namespace troupe::transport {

struct hub::impl {
  hub_loop loop;
};

hub::hub(hub_options options, hub_listener& listener, trace::recorder& recorder, trace::ledger&)
    : impl_(new impl{hub_loop(std::move(options), listener, recorder)}) {}

hub::~hub() = default;

const node_identity& hub::identity() const { return impl_->loop.options().identity; }
std::string hub::endpoint() const { return impl_->loop.endpoint(); }

peer_ptr hub::open(const node_identity& identity, const std::string& endpoint) {
  auto& loop = impl_->loop;
  bool created = false;
  auto found = loop.board().find_or_make(identity, created);
  if (created)
    loop.post([&loop, found, endpoint](time_point now) { loop.board().dial(found, endpoint, now); });
  return found;
}

void hub::look(const std::string& endpoint, std::chrono::milliseconds timeout,
               std::function<void(const peer_hello*, std::string_view)> done) {
  auto& loop = impl_->loop;
  const bool posted = loop.post(
      [&loop, endpoint, timeout, done](time_point now) { loop.board().look(endpoint, timeout, done, now); });
  if (!posted) done(nullptr, "this node has stopped");
}

void hub::connect(const std::string& endpoint, std::chrono::milliseconds timeout,
                  std::function<void(peer_ptr, std::string_view)> done) {
  auto& loop = impl_->loop;
  const bool posted = loop.post([&loop, endpoint, timeout, done](time_point now) {
    loop.board().connect(endpoint, timeout, done, now);
  });
  if (!posted && done) done(nullptr, "this node has stopped");
}

std::vector<peer_ptr> hub::peers() const { return impl_->loop.board().peers(); }

void hub::cut(const peer_ptr& p) {
  auto& loop = impl_->loop;
  if (auto l = std::dynamic_pointer_cast<link>(p))
    loop.post([&loop, l](time_point now) { loop.board().cut(l, now); });
}

void hub::cut_off(const peer_ptr& p, const std::string& why) {
  auto& loop = impl_->loop;
  if (auto l = std::dynamic_pointer_cast<link>(p))
    loop.post([&loop, l, why](time_point) { loop.board().cut_off(l, why); });
}

void hub::expect_no_more(const peer_ptr& p) {
  auto& loop = impl_->loop;
  if (auto l = std::dynamic_pointer_cast<link>(p))
    loop.post([&loop, l](time_point) { loop.board().expect_no_more(l); });
}

void hub::take_no_more() {
  auto& loop = impl_->loop;
  std::promise<void> done;
  if (loop.post([&](time_point) {
        loop.board().take_no_more();
        done.set_value();
      }))
    done.get_future().wait();
}

void hub::stop(std::chrono::milliseconds linger) { impl_->loop.stop(linger); }

} // namespace troupe::transport
