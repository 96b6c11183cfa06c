#include "runner/run/fault_injector.hpp"

namespace troupe::scenarios {

namespace {
using action = fault_plan::action_kind;
}

void fault_injector::schedule(const std::vector<fault_plan>& faults, time_point start) {
  for (auto& fault : faults)
    waiting_.emplace_back(start + fault.at, fault);
}

void fault_injector::inject_due(time_point now) {
  for (std::size_t i = 0; i < waiting_.size(); ++i) {
    if (waiting_[i].first > now) continue;
    const auto fault = waiting_[i].second;
    waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(i--));
    inject(fault);
    if (fault.action == action::stop && fault.lasting.count() > 0) {
      auto resume = fault;
      resume.action = action::resume;
      waiting_.emplace_back(now + fault.lasting, resume);
    }
  }
}

void fault_injector::inject(const fault_plan& fault) {
  if (fault.action == action::stop) stopped_.insert(fault.node);
  if (fault.action == action::resume) stopped_.erase(fault.node);
  target_.inject(fault.action, fault.node);
}

void fault_injector::resume_stopped() {
  for (auto& name : std::set<std::string>{stopped_})
    inject({.action = action::resume, .node = name});
}

} // namespace troupe::scenarios
