// Faults that a scenario file asks for, at their times.
#include "runner/run/execution.hpp"

#include <csignal>

namespace troupe::scenarios {

using std::chrono::steady_clock;

void execution::inject_due_faults() {
  const auto now = steady_clock::now();
  for (std::size_t i = 0; i < faults_.size(); ++i) {
    if (faults_[i].first > now) continue;
    const auto fault = faults_[i].second;
    faults_.erase(faults_.begin() + static_cast<std::ptrdiff_t>(i--));
    inject(fault);
    if (fault.action == fault_plan::action_kind::stop && fault.lasting.count() > 0) {
      auto resume = fault;
      resume.action = fault_plan::action_kind::resume;
      faults_.emplace_back(now + fault.lasting, resume);
    }
  }
}

void execution::inject(const fault_plan& fault) {
  auto& recorder = main_->recorder();
  auto record = [&](const char* kind) {
    recorder.fault(recorder.intern(kind), recorder.intern(fault.node));
    phase(std::string{"fault: "} + kind + ' ' + fault.node);
  };
  switch (fault.action) {
  case fault_plan::action_kind::kill:
    record("kill");
    if (options_.launcher != nullptr) options_.launcher->signal(fault.node, SIGKILL);
    break;
  case fault_plan::action_kind::stop:
    record("stop");
    halted_.insert(fault.node);
    if (options_.launcher != nullptr) options_.launcher->signal(fault.node, SIGSTOP);
    break;
  case fault_plan::action_kind::resume:
    record("resume");
    halted_.erase(fault.node);
    if (options_.launcher != nullptr) options_.launcher->signal(fault.node, SIGCONT);
    break;
  case fault_plan::action_kind::cut:
    record("cut");
    for (auto& peer : main_->gateway().hub().peers())
      if (peer->identity().name == fault.node) main_->gateway().hub().cut(peer);
    break;
  }
}

void execution::resume_halted() {
  for (auto& name : std::set<std::string>{halted_})
    inject({.action = fault_plan::action_kind::resume, .node = name});
}

} // namespace troupe::scenarios
