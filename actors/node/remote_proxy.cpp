#include "actors/node/remote_proxy.hpp"

#include <caf/all.hpp>
#include <caf/scheduler/abstract_coordinator.hpp>

namespace troupe {

namespace {

/// CAF links two actors while it holds the locks of both, and exporting a handle takes
/// the actor's lock: so the other side is told a moment later, by the scheduler.
class deferred_link final : public caf::ref_counted, public caf::resumable {
 public:
  deferred_link(remote_peer_ptr via, caf::strong_actor_ptr local, caf::actor_id remote)
      : via_(std::move(via)), local_(std::move(local)), remote_(remote) {}
  subtype_t subtype() const override { return resumable::function_object; }
  resume_result resume(caf::execution_unit*, std::size_t) override {
    via_->export_local(local_);
    via_->send_link(local_->id(), remote_, transport::envelope_kind::link);
    return resumable::done;
  }
  void intrusive_ptr_add_ref_impl() override { ref(); }
  void intrusive_ptr_release_impl() override { deref(); }

 private:
  remote_peer_ptr via_;
  caf::strong_actor_ptr local_;
  caf::actor_id remote_;
};

} // namespace

remote_proxy::remote_proxy(caf::actor_config& config, remote_peer_ptr via, trace::actor_index index)
    : actor_proxy(config), via_(std::move(via)) {
  trace_index_ = index;
  if (const auto* context = context_of(home_system())) life_number_ = context->life.number();
}

remote_proxy::~remote_proxy() = default;

void remote_proxy::enqueue(caf::mailbox_element_ptr what, caf::execution_unit*) {
  // Once it was killed, its node may have ended; one without a link never is anything else.
  if (via_ != nullptr && !getf(caf::abstract_actor::is_cleaned_up_flag)) [[likely]]
    return accept(std::move(what));
  if (const node_life::visit node{life_number_})
    accept(std::move(what));
  else
    fail_request(what->sender, what->mid, caf::make_error(caf::exit_reason::remote_link_unreachable));
}

void remote_proxy::accept(caf::mailbox_element_ptr what) {
  if (via_ != nullptr) return via_->forward(*this, std::move(what));
  if (auto* context = context_of(home_system())) {
    const auto type = context->catalog.of(what->content()).traced_as;
    const actor_ref whom{incarnation_of(node()), id()};
    tracing::dropped(*context, tracing::stamp_of(*context, trace_index_, whom, *what, type),
                     trace::drop_reason::peer_down);
  }
  fail_request(what->sender, what->mid, caf::make_error(caf::exit_reason::remote_link_unreachable));
}

bool remote_proxy::add_backlink(caf::abstract_actor* x) {
  if (!monitorable_actor::add_backlink(x)) return false;
  if (via_ != nullptr) home_system().scheduler().enqueue(new deferred_link(via_, x->ctrl(), id()));
  return true;
}

bool remote_proxy::remove_backlink(caf::abstract_actor* x) {
  if (!monitorable_actor::remove_backlink(x)) return false;
  if (via_ != nullptr) via_->send_link(x->id(), id(), transport::envelope_kind::unlink);
  return true;
}

void remote_proxy::kill_proxy(caf::execution_unit* host, caf::error reason) {
  cleanup(std::move(reason), host);
}

} // namespace troupe
