// Nodes in processes of their own, for tests of what handles do.
#pragma once

#include "tests/distributed/location_user.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_directory.hpp"

#include <condition_variable>
#include <csignal>
#include <sys/wait.h>
#include <unistd.h>

namespace troupe::testing {

using namespace std::chrono_literals;

inline constexpr auto patience = 60s;

/// This process's node and its children; ends them all.
class location_fixture {
 public:
  explicit location_fixture(const std::string& endpoint) : kind_(endpoint) {
    node_options options;
    options.name = "main";
    options.listen = listen_at("main");
    main.emplace(
        std::move(options), user_catalog(), location_roles(),
        [this](const known_node& who, const greeting&) { note(up_, who.identity.name); },
        [this](const known_node& who, transport::down_reason, const std::string&) {
          note(down_, who.identity.name);
        });
    self.emplace(main->system());
  }
  ~location_fixture() {
    self.reset();
    main.reset();
    for (auto& [name, pid] : children_) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, nullptr, 0);
    }
  }

  std::string listen_at(const std::string& name) const {
    return kind_ == "ipc" ? "ipc://" + (directory_ / name).string() : "tcp://127.0.0.1:*";
  }

  void start(const std::string& name, const char* option = nullptr) {
    const auto listen = listen_at(name);
    const auto join = main->endpoint();
    const auto pid = ::fork();
    if (pid == 0) {
      ::execl(LOCATION_CHILD, "location_child", listen.c_str(), join.c_str(), name.c_str(), option, nullptr);
      ::_exit(127);
    }
    children_[name] = pid;
    REQUIRE(await(up_, name));
  }
  pid_t pid(const std::string& name) const { return children_.at(name); }
  void kill(const std::string& name) { ::kill(children_.at(name), SIGKILL); }
  bool is_down(const std::string& name) { return await(down_, name); }
  int exit_status(const std::string& name) {
    int status = 0;
    ::waitpid(children_.at(name), &status, 0);
    children_.erase(name);
    return status;
  }

  caf::actor server(const std::string& where) {
    auto found = main->lookup(where, "server", patience);
    if (!found) FAIL(main->system().render(found.error()));
    return *found;
  }

  template <class... Ts>
  caf::actor spawn(const std::string& where, const std::string& role, Ts... xs) {
    auto made = main->spawn_on(where, role, caf::make_message(std::move(xs)...));
    if (!made) FAIL(main->system().render(made.error()));
    return caf::actor_cast<caf::actor>(*made);
  }

  template <class Answer, class... Ts>
  caf::expected<Answer> ask(const caf::actor& whom, Ts... xs) {
    caf::expected<Answer> result{caf::sec::none};
    (*self)
        ->request(whom, patience, std::move(xs)...)
        .receive([&](Answer& x) { result = std::move(x); },
                 [&](caf::error& err) { result = std::move(err); });
    return result;
  }

  std::optional<node> main;
  std::optional<caf::scoped_actor> self;

 private:
  using names = std::set<std::string>;
  void note(names& where, const std::string& name) {
    std::lock_guard lock{mutex_};
    where.insert(name);
    changed_.notify_all();
  }
  bool await(names& where, const std::string& name) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, patience, [&] { return where.contains(name); });
  }

  std::string kind_;
  temporary_directory directory_;
  std::mutex mutex_;
  std::condition_variable changed_;
  names up_, down_;
  std::map<std::string, pid_t> children_;
};

/// The reason with which `whom` goes down, seen by a monitoring actor here.
inline caf::error reason_of_end(location_fixture& f, const caf::actor& whom,
                                const std::function<void()>& make_it_end) {
  caf::error reason;
  (*f.self)->monitor(whom);
  make_it_end();
  bool came = false;
  (*f.self)->receive(
      [&](caf::down_msg& down) {
        reason = down.reason;
        came = true;
      },
      caf::after(patience) >> [] {});
  REQUIRE(came);
  return reason;
}

} // namespace troupe::testing
