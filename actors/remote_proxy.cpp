#include "actors/remote_proxy.hpp"

namespace troupe {

remote_proxy::remote_proxy(caf::actor_config& config, link_ptr via, trace::actor_index index)
    : actor_proxy(config), link_(std::move(via)) {
  trace_index_ = index;
}

remote_proxy::~remote_proxy() = default;

void remote_proxy::enqueue(caf::mailbox_element_ptr what, caf::execution_unit*) {
  if (link_ != nullptr) link_->forward(*this, std::move(what));
  else if (what->mid.is_request())
    caf::detail::sync_request_bouncer{caf::make_error(caf::exit_reason::remote_link_unreachable)}(*what);
}

bool remote_proxy::add_backlink(caf::abstract_actor* x) {
  if (!monitorable_actor::add_backlink(x)) return false;
  if (link_ != nullptr) {
    link_->export_local(x->ctrl());
    link_->send_link(x->id(), id(), transport::envelope_kind::link);
  }
  return true;
}

bool remote_proxy::remove_backlink(caf::abstract_actor* x) {
  if (!monitorable_actor::remove_backlink(x)) return false;
  if (link_ != nullptr) link_->send_link(x->id(), id(), transport::envelope_kind::unlink);
  return true;
}

void remote_proxy::kill_proxy(caf::execution_unit* host, caf::error reason) { cleanup(std::move(reason), host); }

} // namespace troupe
