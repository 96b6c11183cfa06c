#include "runner/member/member_node.hpp"

#include "base/durations.hpp"
#include "base/host_identity.hpp"
#include "base/process_limits.hpp"
#include "base/text.hpp"
#include "runner/member/member.hpp"
#include "runner/plan/verdict.hpp"
#include "trace/merge/collect.hpp"
#include "transport/trace_upload/upload_sender.hpp"

#include <iostream>
#include <sstream>
#include <unistd.h>

namespace troupe::scenarios {

namespace {

/// Of a connection that is dialled: ZeroMQ's, two sockets' and their monitors'.
constexpr std::size_t files_a_peer = 5;

constexpr std::string_view plaintext_secret = "plaintext";

/// Beyond loopback a node can be reached only where keys, or the user, let it listen at all.
std::string where_to_listen(const member_options& options) {
  auto beside = listen_beside(options.join, options.credentials.incarnation);
  const bool may = options.credentials.keys || options.credentials.plaintext;
  return beside.empty() && may && options.join.starts_with("tcp://") ? "tcp://*:*" : beside;
}

std::function<void(transport::log_level, std::string_view)>
warnings_to(const std::function<void(const std::string&)>& warn) {
  return [warn](transport::log_level level, std::string_view text) {
    if (level == transport::log_level::warning && warn) warn(std::string{text});
  };
}

/// What node::connect() says, without how CAF writes errors.
std::string why_not_connected(const caf::error& error) {
  std::string text;
  if (error.context().match_elements<std::string>()) text = error.context().get_as<std::string>(0);
  return text.empty() ? to_string(static_cast<errc>(error.code())) : text;
}

/// With an incarnation: what this node is looked for by is known before it is made.
member_options completed(member_options options) {
  if (options.credentials.incarnation == 0) options.credentials.incarnation = transport::draw_incarnation();
  return options;
}

} // namespace

// "INCARNATION", "INCARNATION plaintext" or "INCARNATION PUBLIC-KEY SECRET-KEY".
std::string to_secret(const node_credentials& x) {
  auto text = std::to_string(x.incarnation);
  if (x.keys) return text + ' ' + x.keys->public_key + ' ' + x.keys->secret_key;
  return x.plaintext ? text + ' ' + std::string{plaintext_secret} : text;
}

node_credentials credentials_from(const std::string& secret) {
  node_credentials x;
  if (secret.empty()) return x;
  std::istringstream words{secret};
  std::string first, second, more;
  bool good = static_cast<bool>(words >> x.incarnation);
  words >> first >> second;
  if (first == plaintext_secret && second.empty())
    x.plaintext = true;
  else if (!first.empty())
    x.keys = {first, second};
  if (x.keys) good = good && transport::is_key(first) && transport::is_key(second);
  if (!good || words >> more)
    throw std::runtime_error("the launcher handed over something that is no credentials");
  return x;
}

member_node::member_node(const std::vector<const scenario*>& known, member_options given)
    : name_(given.name), join_(given.join), tell_(given.tell), warn_(given.warn) {
  const auto options = completed(std::move(given));
  transport::hub_options links;
  files_left(files_a_peer * links.peers_max); // raises the limit, as far as it goes
  links.zmq_context = options.zmq_context;
  links.plaintext = options.credentials.plaintext;
  if (options.credentials.keys)
    links.security =
        transport::security_options{*options.credentials.keys, {}, {}, options.credentials.server_key};
  links.identity = {options.name, options.credentials.incarnation};
  // Before anything is made in its name: who is not wanted leaves nothing behind.
  const auto theirs = inquire(options.join, options.join_timeout, links);
  const auto info = run_info_from(theirs.run);
  links.admit = [info](const transport::peer_hello& who) {
    return has_node(info, who.identity.name) ? std::string{} : who.identity.name + " is no node of this run";
  };
  if (links.security) links.security->allowed = info.members; // who may call this node
  links.log = warnings_to(options.warn);
  allow_messages(info.message_bytes_max, links);
  node_options mine;
  mine.name = options.name;
  mine.incarnation = options.credentials.incarnation;
  mine.listen = where_to_listen(options);
  mine.trace = info.trace.level;
  mine.trace_bytes_max = info.trace.bytes_max;
  mine.trace_sample_one_in = info.trace.sample_one_in();
  run_dir_ = info.run_dir;
  kept_in_ = place_for_trace(info, options);
  mine.run_dir = kept_in_.empty() ? info.run_dir : kept_in_;
  if (!kept_in_.empty() && info.trace.level != trace::level::off) mine.run = promise_of_trace(kept_in_);
  mine.threads = static_cast<std::size_t>(info.threads);
  mine.scheduler = policy_name(info.scheduler);
  mine.hub = links;
  links_ = links;
  mine.hub.on_standstill = [this](std::chrono::nanoseconds how_long) {
    std::lock_guard lock{mutex_};
    stood_still_ = std::max(stood_still_, how_long);
  };
  mine.warn = options.warn;
  mine.on_mistake = [this](const std::string& sentence) { tell_mistake(sentence); };
  mine.on_leave = [this] { end(ending::told_to_leave); };
  mine.on_failed = [this](const failed_actor& who) { tell_failure(who); };
  node_ = std::make_unique<node>(
      std::move(mine), make_catalog(known), make_roles(known), node::up_handler{},
      [this](const known_node& gone, transport::down_reason why, const std::string& detail) {
        std::lock_guard lock{mutex_};
        gone_[gone.identity.name] = detail.empty() ? std::string{to_string(why)} : detail;
        end_without_launcher();
      });
  auto joined = node_->connect(options.join, options.join_timeout);
  if (!joined) throw std::runtime_error("cannot join " + why_not_connected(joined.error()));
  std::unique_lock lock{mutex_};
  launcher_ = *joined;
  end_without_launcher(); // it may have come and gone meanwhile
  const auto mistakes = std::move(mistakes_);
  lock.unlock();
  for (const auto& sentence : mistakes)
    tell_mistake(sentence);
}

member_node::~member_node() { stop(); }

void member_node::end(ending why) {
  std::lock_guard lock{mutex_};
  if (!ending_) ending_ = why;
  changed_.notify_all();
}

/// The launcher may spawn actors here before this node knows which of its peers that is.
void member_node::tell_mistake(const std::string& sentence) {
  {
    std::lock_guard lock{mutex_};
    if (launcher_.empty()) return mistakes_.push_back(sentence);
  }
  if (auto agent = node_->agent_of(launcher_)) troupe::anon_send(agent, program_mistake{sentence});
}

void member_node::end_without_launcher() {
  if (ending_ || !gone_.contains(launcher_)) return;
  ending_ = ending::launcher_lost;
  changed_.notify_all();
}

std::string member_node::why_lost() {
  std::lock_guard lock{mutex_};
  auto why = gone_[launcher_];
  if (stood_still_ >= links_.liveness)
    why += "; this node itself did not run for " + duration_text(stood_still_.count())
           + ", and others wait for " + duration_text(std::chrono::nanoseconds{links_.liveness}.count());
  return why;
}

/// The launcher tells people, who would otherwise have to look at every node.
void member_node::tell_failure(const failed_actor& who) {
  std::string launcher;
  {
    const std::lock_guard lock{mutex_};
    launcher = launcher_;
  }
  if (auto agent = launcher.empty() ? nullptr : node_->agent_of(launcher))
    troupe::anon_send(agent, who);
  else if (warn_)
    warn_("actor " + who.kind + ' ' + std::to_string(who.who.id) + " failed: " + who.why);
}

std::optional<member_node::ending> member_node::wait_for(std::chrono::milliseconds time) {
  std::unique_lock lock{mutex_};
  changed_.wait_for(lock, time, [this] { return ending_.has_value(); });
  return ending_;
}

void member_node::stop() {
  if (node_ == nullptr) return;
  if (const auto left_over = node_->stop(); !left_over.empty() && warn_) warn_(still_alive(left_over));
}

std::string still_alive(const std::vector<std::string>& sorted_names) {
  std::string text;
  for (auto each = sorted_names.begin(); each != sorted_names.end();) {
    const auto others = std::upper_bound(each, sorted_names.end(), *each);
    text += (text.empty() ? "still alive at the end: " : ", ") + std::to_string(others - each) + " " + *each;
    each = others;
  }
  return text;
}

int serve_node(const std::vector<const scenario*>& known, const node_service& how) {
  member_options options;
  options.join = how.join;
  options.credentials = how.credentials;
  options.name = how.name;
  options.trace_dir = how.trace_dir;
  options.warn = [&how](const std::string& text) { how.tell("warning: " + text); };
  options.tell = [&how](const std::string& text) { how.tell(how.name + ": " + text); };
  auto told_to_stop = [&how] { return how.interrupts != nullptr ? how.interrupts->load() : 0; };
  member_node self{known, std::move(options)};
  while (true) {
    const bool interrupted = told_to_stop() != 0;
    const auto why = interrupted ? std::nullopt : self.wait_for(std::chrono::milliseconds{50});
    if (!interrupted && !why) continue;
    if (why == member_node::ending::launcher_lost)
      how.tell(own_name() + ": node " + how.name + ": the launcher is lost: " + self.why_lost());
    self.stop();
    self.hand_over_trace([&] { return told_to_stop() > (interrupted ? 1 : 0); });
    if (!why) return exit_code(verdict::interrupted);
    return *why == member_node::ending::told_to_leave ? 0 : exit_code(verdict::node_lost);
  }
}

// -- where its trace is kept, and how it reaches the launcher -----------------------------------

namespace fs = std::filesystem;

namespace {

bool is_writable_directory(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error) && ::access(path.c_str(), W_OK | X_OK) == 0;
}

} // namespace

fs::path place_for_trace(const run_info& info, const member_options& options) {
  std::error_code error;
  const bool same_host = info.host == boot_id();
  if (options.trace_dir.empty() && same_host && is_writable_directory(info.run_dir)) return {};
  const auto own =
      fs::absolute(options.trace_dir.empty() ? fs::path{"trace-" + options.name} : options.trace_dir);
  fs::create_directories(own, error);
  if (!is_writable_directory(own))
    throw std::runtime_error("cannot keep a trace in " + own.string() + ": "
                             + (error ? error.message() : std::string{"it cannot be written to"})
                             + "; name another place with --trace-dir DIR");
  if (same_host && fs::equivalent(own, info.run_dir, error) && !error) return {};
  if (options.tell && info.trace.level != trace::level::off)
    options.tell("keeps its trace in " + own.string() + " while the run is on");
  return own;
}

std::map<std::string, std::string> promise_of_trace(const fs::path& place) {
  char host[256] = {};
  ::gethostname(host, sizeof host - 1);
  return {{trace_promise_key, std::string{host} + ":" + place.string()}};
}

void member_node::hand_over_trace(const std::function<bool()>& give_up) {
  if (kept_in_.empty() || node_ == nullptr) return;
  const auto who = node_->identity();
  std::vector<fs::path> files;
  for (auto& [segment, path] : trace::files_of(kept_in_, who.name, who.incarnation))
    files.push_back(path);
  if (files.empty()) return; // nothing was recorded
  std::unique_lock lock{mutex_};
  const bool launcher_is_gone = ending_ == ending::launcher_lost;
  lock.unlock();
  const auto why =
      launcher_is_gone
          ? std::string{"the launcher is gone"}
          : transport::upload({.endpoint = join_, .owner = who, .files = files, .give_up = give_up}, links_);
  if (!tell_) return;
  if (why.empty())
    tell_("its trace is in the run directory; the copy in " + kept_in_.string() + " is no longer needed");
  else
    tell_("its trace did not reach the run directory (" + why + "). It is in " + kept_in_.string()
          + "; where the run directory is, bring it in with: "
          + own_command("trace collect " + shell_quoted(run_dir_.string()) + " --from PATH"));
}

} // namespace troupe::scenarios
