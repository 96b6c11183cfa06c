#include "scenarios/worker.hpp"

#include "scenarios/runner.hpp"

#include <filesystem>
#include <iostream>

namespace troupe::scenarios {

namespace {

/// The launcher's run directory if this process sees the launcher's files, else a
/// directory of its own, so that no trace is lost for want of a place.
std::filesystem::path place_for_trace(const run_info& info, const std::string& name,
                                      const std::function<void(const std::string&)>& warn) {
  std::error_code error;
  if (info.host == host_id() && std::filesystem::is_directory(info.run_dir, error)) return info.run_dir;
  auto own = std::filesystem::current_path() / ("trace-" + name);
  std::filesystem::create_directories(own, error);
  if (error) return {};
  if (warn) warn("the launcher is on another host: trace and books are kept in " + own.string());
  return own;
}

constexpr std::string_view plaintext_secret = "plaintext";

/// Beyond loopback a node can be reached only where keys, or the user, let it listen at all.
std::string where_to_listen(const worker_options& options) {
  auto beside = listen_beside(options.join, options.name);
  const bool may = options.credentials.keys || options.credentials.plaintext;
  return beside.empty() && may && options.join.starts_with("tcp://") ? "tcp://*:*" : beside;
}

std::function<void(transport::log_level, std::string_view)>
warnings_to(const std::function<void(const std::string&)>& warn) {
  return [warn](transport::log_level level, std::string_view text) {
    if (level == transport::log_level::warning && warn) warn(std::string{text});
  };
}

} // namespace

std::string to_secret(const node_credentials& x) {
  if (x.keys) return x.keys->public_key + ' ' + x.keys->secret_key;
  return x.plaintext ? std::string{plaintext_secret} : std::string{};
}

node_credentials credentials_from(const std::string& secret) {
  node_credentials x;
  if (secret.empty()) return x;
  x.plaintext = secret == plaintext_secret;
  const auto gap = secret.find(' ');
  if (gap != std::string::npos) x.keys = {secret.substr(0, gap), secret.substr(gap + 1)};
  if (!x.plaintext
      && !(x.keys && transport::is_key(x.keys->public_key) && transport::is_key(x.keys->secret_key)))
    throw std::runtime_error("the launcher handed over something that is no key pair");
  return x;
}

worker::worker(const std::vector<const scenario*>& known, worker_options options) {
  transport::hub_options links;
  links.zmq_context = options.zmq_context;
  links.plaintext = options.credentials.plaintext;
  if (options.credentials.keys)
    links.security =
        transport::security_options{*options.credentials.keys, {}, {}, options.credentials.server_key};
  const auto theirs = inquire(options.join, options.join_timeout, links);
  const auto info = run_info_from(theirs.run);
  if (links.security) links.security->allowed = info.members; // who may call this node
  links.log = warnings_to(options.warn);
  node_options mine;
  mine.name = options.name;
  mine.listen = where_to_listen(options);
  mine.trace = info.trace.level;
  mine.trace_bytes_max = info.trace.bytes_max;
  mine.trace_sample_one_in = info.trace.sample_one_in();
  mine.run_dir = place_for_trace(info, options.name, options.warn);
  mine.threads = static_cast<std::size_t>(info.threads);
  mine.scheduler = policy_name(info.scheduler);
  mine.links = links;
  mine.warn = options.warn;
  mine.on_leave = [this] { end(ending::told_to_leave); };
  node_ = std::make_unique<node>(std::move(mine), make_catalog(known), make_roles(known), node::up_handler{},
                                 [this](const known_node& gone, transport::down_reason, const std::string&) {
                                   std::unique_lock lock{mutex_};
                                   const bool launcher = gone.identity.name == launcher_;
                                   lock.unlock();
                                   if (launcher) end(ending::launcher_lost);
                                 });
  auto joined = node_->connect(options.join, options.join_timeout);
  if (!joined) throw std::runtime_error("cannot join " + caf::to_string(joined.error()));
  std::lock_guard lock{mutex_};
  launcher_ = *joined;
}

worker::~worker() { stop(); }

void worker::end(ending why) {
  std::lock_guard lock{mutex_};
  if (!ending_) ending_ = why;
  changed_.notify_all();
}

std::optional<worker::ending> worker::wait_for(std::chrono::milliseconds time) {
  std::unique_lock lock{mutex_};
  changed_.wait_for(lock, time, [this] { return ending_.has_value(); });
  return ending_;
}

void worker::stop() {
  if (node_ != nullptr) node_->stop();
}

int serve_node(const std::vector<const scenario*>& known, const std::string& join_endpoint,
               const std::string& name, const node_credentials& credentials,
               const std::atomic<int>* interrupts) {
  worker_options options;
  options.join = join_endpoint;
  options.credentials = credentials;
  options.name = name;
  options.warn = [](const std::string& text) { std::cerr << "warning: " << text << std::endl; };
  worker self{known, std::move(options)};
  while (true) {
    if (interrupts != nullptr && interrupts->load() != 0) {
      self.stop();
      return exit_code(verdict::interrupted);
    }
    if (auto why = self.wait_for(std::chrono::milliseconds{50})) {
      self.stop();
      return *why == worker::ending::told_to_leave ? 0 : exit_code(verdict::node_lost);
    }
  }
}

} // namespace troupe::scenarios
