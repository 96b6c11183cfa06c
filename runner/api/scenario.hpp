// What a user writes: a scenario is its parameters, its actors (roles), how they are
// wired, and the checks that say whether a run kept its promises.
#pragma once

#include "actors/codec/message_catalog.hpp"
#include "actors/node/node.hpp"
#include "actors/runtime/traced_actor.hpp"
#include "runner/plan/json_text.hpp"
#include "runner/plan/parameter.hpp"

#include <nlohmann/json_fwd.hpp>

namespace troupe::scenarios {

/// Sent to run::collector() by whichever actor knows that the work is done.
struct run_finished {
  std::string result; ///< the scenario's result object as JSON text
};
TROUPE_MESSAGE_AS("troupe.run_finished", run_finished, result)

/// Sent to run::collector(): elements of a list that may be very long, each a line of JSON text, for
/// NAME.jsonl in the run directory; see long_lists.hpp.
struct run_lines {
  std::string name;
  std::string lines;
};
TROUPE_MESSAGE_AS("troupe.run_lines", run_lines, name, lines)

/// Sent to run::collector() now and then; `total` 0: unknown.
struct run_progress {
  std::uint64_t done = 0;
  std::uint64_t total = 0;
  std::map<std::string, std::uint64_t> per_node;
};
TROUPE_MESSAGE_AS("troupe.run_progress", run_progress, done, total, per_node)

/// The scenario cannot go on; the run ends with a failed check of that text, or, where a node was lost
/// before, with that as the verdict.
struct run_failed {
  std::string why;
};
TROUPE_MESSAGE_AS("troupe.run_failed", run_failed, why)

/// Sent to run::collector(): a line for the person who started the run, such as an
/// address to connect to. Told also where progress is not.
struct run_announcement {
  std::string text;
};
TROUPE_MESSAGE_AS("troupe.run_announcement", run_announcement, text)

/// What open work may take to end when a run is to end early. The runner waits 8 s
/// longer for the result, so that what was still not done is counted.
inline constexpr std::chrono::milliseconds stop_grace{2000};

/// Sent by the runner when the run is to end early (Ctrl-C, deadline, for some scenarios the
/// loss of a node) to the actor that was named with run::on_stop: count what is left, send
/// run_finished.
struct stop_early {};
TROUPE_MESSAGE_AS("troupe.stop_early", stop_early)

/// What the wiring of a scenario works with, on the launching node, before and while
/// its actors run. Not thread-safe; only inside of the start function.
class run {
 public:
  virtual ~run() = default;
  virtual const parameters& values() const = 0;
  virtual std::uint64_t seed() const = 0;
  /// The nodes that actors of this role go to, in order.
  virtual const std::vector<std::string>& nodes_of(const std::string& role) const = 0;
  /// The actor that waits for run_finished; goes wherever a handle can go.
  virtual caf::actor collector() const = 0;
  /// Who is told stop_early. Without one, an early stop just ends all actors.
  virtual void on_stop(const caf::actor&) = 0;
  virtual node& main_node() = 0;

  /// Spawns an actor of a role on the next of its nodes; the arguments are those of the
  /// role's function. Throws std::runtime_error saying which node refused and why.
  template <class... Args>
  caf::actor spawn(const std::string& role, Args&&... args) {
    return spawn_messages(role, {message_with(std::forward<Args>(args)...)}).front();
  }
  caf::actor spawn(const std::string& role) { return spawn_messages(role, {caf::message{}}).front(); }
  /// Several of a role on its nodes in turn, which takes little longer than one; `args_of`
  /// returns the arguments of the i-th, made with message_with.
  template <class ArgsOf>
  std::vector<caf::actor> spawn_each(const std::string& role, std::size_t count, ArgsOf args_of) {
    std::vector<caf::message> args;
    for (std::size_t i = 0; i < count; ++i)
      args.push_back(args_of(i));
    return spawn_messages(role, args);
  }

 protected:
  virtual std::vector<caf::actor> spawn_messages(const std::string& role,
                                                 const std::vector<caf::message>& args) = 0;
};

/// What a check sees after the run.
struct finished_run {
  const parameters& values;
  /// The scenario's object; null if the run did not finish. A copy for the checks, which may be read as
  /// objects are in JSON libraries: what is not in it is null.
  nlohmann::json& result;
};
struct check_outcome {
  bool passed = false;
  std::string detail; ///< what was found, also where it passed
};
/// The result as a struct of that type, into `to`; why there is none, or nothing.
std::string read_result(const finished_run&, const value_functions&, void* to);

/// Parameters are declared by the functions of `declaration`. Names of scenarios, roles and
/// parameters are plain_names. What is wrong with a scenario does not end the program where
/// it is declared: mistakes_in() tells all of it at once, and nothing with a mistake is run.
class scenario : public declaration {
 public:
  scenario(std::string scenario_name, std::string one_line);
  ~scenario();
  scenario(const scenario&);
  scenario(scenario&&) noexcept;
  scenario& operator=(const scenario&);
  scenario& operator=(scenario&&) noexcept;

  /// A message type that its actors exchange, under a name unique in the program: one of
  /// type_names. All types that actors of roles send each other are registered so, also
  /// where they happen to live in one process: a message of another type ends the run.
  template <class T>
  scenario& message(const std::string& type_name) {
    return add_message(type_name,
                       [](message_catalog& catalog, const std::string& name) { catalog.add<T>(name); });
  }

  /// Those declared with TROUPE_MESSAGE.
  template <class... Ts>
  scenario& message() {
    return messages([](message_catalog& catalog) { catalog.add<Ts...>(); });
  }

  /// A kind of actors: `caf::behavior f(troupe::actor_of<State>* self, Args...)`, or a
  /// function object like it.
  template <class Fun>
  scenario& role(const std::string& role_name, Fun fun, placement where, std::string about = {}) {
    return add_role(role_name, make_role(std::move(fun)), where, std::move(about));
  }

  /// Spawns the actors and gets them going; blocks only in run::spawn.
  scenario& start(std::function<void(run&)> wire);

  /// Several types at once, by a function like add_pool_messages.
  scenario& messages(std::function<void(message_catalog&)> add);

  /// Looked at when the run has finished. The first: at the result, which finish() told as such a struct;
  /// without one, it has not passed.
  template <class T>
  scenario& check(std::string check_name,
                  std::function<check_outcome(const T& result, const scenarios::parameters& values)> look) {
    return check(std::move(check_name), [look = std::move(look)](const finished_run& run) -> check_outcome {
      T result{};
      if (auto wrong = read_result(run, functions_of<T>(), &result); !wrong.empty()) return {false, wrong};
      return look(result, run.values);
    });
  }
  scenario& check(std::string check_name, std::function<check_outcome(const finished_run&)> look);

  /// What every run shows, judged on the trace alone by `troupe trace check`; in the
  /// language of docs/trace.md: "exclusive fork: fork_taken until put_fork".
  scenario& promise(std::string invariant);

  /// Refuses combinations of parameters that no single range can exclude, before
  /// anything starts; returns one sentence, or nothing where all is well.
  scenario& validate(std::function<std::string(const scenarios::parameters&)> look);

  /// The run goes on when a worker node dies; its actors take care.
  scenario& survives_node_loss() {
    survives_node_loss_ = true;
    return *this;
  }

  /// When a worker node dies the run ends, but first the actor of run::on_stop is told
  /// stop_early, as at a deadline, and tells the result so far without those who died.
  scenario& tells_of_node_loss() {
    tells_of_node_loss_ = true;
    return *this;
  }

  // -- for the runner ------------------------------------------------------------
  struct named_check {
    std::string name;
    std::function<check_outcome(const finished_run&)> look;
  };
  void add_messages(message_catalog&) const;
  /// Roles under "<scenario>/<role>".
  void add_roles(role_map&) const;
  const std::function<void(run&)>& wire() const { return wire_; }
  const std::vector<named_check>& checks() const { return checks_; }
  std::string why_invalid(const scenarios::parameters& values) const {
    return objection ? objection(values) : std::string{};
  }
  const std::vector<std::string>& promises() const { return promises_; }
  bool goes_on_without_a_node() const { return survives_node_loss_; }
  bool has_a_result_without_a_node() const { return tells_of_node_loss_; }

 private:
  scenario& add_message(const std::string& type_name, void (*add)(message_catalog&, const std::string& name));
  scenario& add_role(const std::string& role_name, role_factory, placement, std::string about);

  std::vector<std::function<void(message_catalog&)>> message_adders_;
  std::map<std::string, role_factory> factories_;
  std::function<void(run&)> wire_;
  std::vector<named_check> checks_;
  std::vector<std::string> promises_;
  bool survives_node_loss_ = false;
  bool tells_of_node_loss_ = false;
};

/// The messages between a scenario's actors and the runner.
void add_run_messages(message_catalog&);
/// A catalog with the message types of all these scenarios and the runner's own.
std::shared_ptr<message_catalog> make_catalog(const std::vector<const scenario*>&);
role_map make_roles(const std::vector<const scenario*>&);

/// For actors: ends the run with this result, a struct declared with TROUPE_FIELDS or TROUPE_MESSAGE, which
/// becomes an object of its fields, or JSON.
template <class Self, class T>
requires detail::has_fields<T>
void finish(Self* self, const caf::actor& collector, const T& result) {
  self->send(collector, run_finished{to_json_text(functions_of<T>(), &result)});
}
template <class Self>
void finish(Self* self, const caf::actor& collector, const nlohmann::json& result) {
  self->send(collector, run_finished{json_text(result)});
}

/// What is wrong with the scenarios of a program, a sentence each that names its scenario: names,
/// defaults and roles (see parameter.hpp), message types that clash, promises that cannot be read or
/// name unknown types, checks, a missing start, the same scenario twice. Empty: nothing.
std::vector<std::string> mistakes_in(const std::vector<const scenario*>&);

} // namespace troupe::scenarios

TROUPE_SENT_TYPE(extern, troupe::scenarios::run_finished);
TROUPE_SENT_TYPE(extern, troupe::scenarios::run_lines);
TROUPE_SENT_TYPE(extern, troupe::scenarios::run_progress);
TROUPE_SENT_TYPE(extern, troupe::scenarios::run_failed);
TROUPE_SENT_TYPE(extern, troupe::scenarios::run_announcement);
