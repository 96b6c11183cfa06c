#include "cli/process/process.hpp"

#include "base/thread_name.hpp"
#include "cli/process/guard.hpp"
#include "cli/process/spawn.hpp"
#include "cli/terminal/lines.hpp"

#include <array>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <future>
#include <mutex>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <system_error>
#include <thread>

namespace troupe::cli {
namespace {

constexpr std::size_t read_bytes = 64U << 10;
constexpr pid_t no_process = 0;
// What a dead process may have left in its pipes is at most their capacity (64 KiB, or
// 1 MiB where it was raised); what comes after that, a child of its own writes.
constexpr std::size_t last_words_bytes_max = 2U << 20;

struct stream {
  descriptor fd;
  line_splitter lines;
};

struct child {
  std::string node;
  pid_t pid = -1;
  descriptor pidfd;
  std::array<stream, 2> streams;
};

struct start_request {
  std::string node, secret;
  std::vector<std::string> arguments;
};

} // namespace

struct process_launcher::impl {
  explicit impl(launcher_options given) : options(std::move(given)) {
    if (!options.arguments)
      options.arguments = [name = options.name](const std::string& node, const std::string& endpoint) {
        return std::vector<std::string>{name, "node", "--join", endpoint, "--name", node};
      };
    if (options.guard_arguments.empty()) options.guard_arguments = {options.name, "guard"};
    wake.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!wake) throw std::system_error(errno, std::generic_category(), "eventfd");
    lifeline = make_pipe();
    thread = std::thread([this] {
      name_thread("troupe.output");
      run();
    });
  }

  ~impl() {
    {
      const std::lock_guard lock(mutex);
      stopping = true;
    }
    poke();
    thread.join();
  }

  void poke() const {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto n = ::write(wake.get(), &one, sizeof one);
  }

  void kill_groups() { // under the lock
    for (const auto& [node, pid] : alive)
      if (pid != no_process) ::kill(-pid, SIGKILL);
  }

  /// Runs it on the launcher's thread, and waits.
  int ask(std::function<int()> what) {
    std::packaged_task<int()> request(std::move(what));
    auto answer = request.get_future();
    {
      const std::lock_guard lock(mutex);
      requests.push_back(std::move(request));
    }
    poke();
    return answer.get();
  }

  // -- launcher's thread -----------------------------------------------------------

  void run() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, nullptr); // signals are the main thread's
    while (true) {
      if (!serve_requests() && alive_empty()) return;
      wait_for_events();
      for (auto& each : owned)
        for (auto& s : each->streams)
          read_some(*each, s, read_bytes);
      reap_ended();
    }
  }

  bool alive_empty() {
    const std::lock_guard lock(mutex);
    return alive.empty();
  }

  // False when the launcher is stopping.
  bool serve_requests() {
    std::deque<std::packaged_task<int()>> todo;
    bool stop = false;
    {
      const std::lock_guard lock(mutex);
      todo.swap(requests);
      stop = stopping;
      if (stop) kill_groups();
    }
    for (auto& request : todo)
      request();
    return !stop;
  }

  guard& the_guard() {
    if (!warden) warden.emplace(options.program, options.guard_arguments);
    return *warden;
  }

  int start(const start_request& request) {
    {
      const std::lock_guard lock(mutex);
      if (alive.contains(request.node))
        throw std::system_error(EEXIST, std::generic_category(),
                                "node " + request.node + " is already running");
    }
    const auto cores = started < options.cores.size() ? options.cores[started] : std::vector<int>{};
    the_guard();
    auto fresh = spawn(options.program, request.arguments, lifeline.read.get(), request.secret, cores);
    ++started;
    the_guard().watch_group(fresh.pid);
    auto one = std::make_unique<child>();
    one->node = request.node;
    one->pid = fresh.pid;
    one->pidfd = std::move(fresh.pidfd);
    one->streams[0].fd = std::move(fresh.output);
    one->streams[1].fd = std::move(fresh.errors);
    const std::lock_guard lock(mutex);
    alive[request.node] = fresh.pid;
    owned.push_back(std::move(one));
    return fresh.pid;
  }

  void wait_for_events() {
    std::vector<pollfd> set{{wake.get(), POLLIN, 0}};
    for (const auto& each : owned) {
      set.push_back({each->pidfd.get(), POLLIN, 0});
      for (const auto& s : each->streams)
        if (s.fd) set.push_back({s.fd.get(), POLLIN, 0});
    }
    if (::poll(set.data(), set.size(), -1) <= 0) return;
    std::uint64_t ignored = 0;
    if (set[0].revents != 0) [[maybe_unused]]
      const auto n = ::read(wake.get(), &ignored, sizeof ignored);
  }

  // False once there is nothing more to read for now.
  bool read_some(const child& who, stream& s, std::size_t bytes_max) {
    if (!s.fd) return false;
    std::array<char, read_bytes> buffer;
    const auto sink = [&](std::string_view line) {
      if (options.on_line) options.on_line(who.node, line);
    };
    const auto n = ::read(s.fd.get(), buffer.data(), std::min(bytes_max, buffer.size()));
    if (n > 0) {
      s.lines.feed({buffer.data(), static_cast<std::size_t>(n)}, sink);
      return true;
    }
    if (n < 0 && errno == EINTR) return true;
    if (n < 0 && errno == EAGAIN) return false;
    s.lines.finish(sink);
    s.fd.reset();
    return false;
  }

  void reap_ended() {
    for (auto it = owned.begin(); it != owned.end();) {
      siginfo_t info{};
      const auto pid = static_cast<id_t>((*it)->pid);
      if (::waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) {
        ++it;
        continue;
      }
      const auto gone = std::move(*it);
      it = owned.erase(it);
      finish(*gone, info);
    }
  }

  void finish(child& gone, const siginfo_t& info) {
    for (auto& s : gone.streams) {
      std::size_t left = last_words_bytes_max;
      while (left > 0 && read_some(gone, s, read_bytes))
        left -= std::min(left, read_bytes);
      s.lines.finish([&](std::string_view line) {
        if (options.on_line) options.on_line(gone.node, line);
      });
    }
    {
      // The zombie keeps its number, and with it that of the group, from being reused;
      // signal() looks at `alive` under the same lock.
      const std::lock_guard lock(mutex);
      ::kill(-gone.pid, SIGKILL);
      while (::waitpid(gone.pid, nullptr, 0) < 0 && errno == EINTR) {
      }
      alive[gone.node] = no_process;
    }
    the_guard().forget_group(gone.pid);
    scenarios::process_exit how;
    how.node = gone.node;
    how.code = info.si_code == CLD_EXITED ? info.si_status : -1;
    how.signal = info.si_code == CLD_EXITED ? 0 : info.si_status;
    std::function<void(const scenarios::process_exit&)> tell;
    {
      const std::lock_guard lock(mutex);
      tell = exit_callback;
    }
    if (tell) tell(how);
    const std::lock_guard lock(mutex);
    alive.erase(gone.node);
    ended.notify_all();
  }

  launcher_options options;
  descriptor wake;
  pipe_ends lifeline;                        ///< its write end lives as long as this process
  std::vector<std::unique_ptr<child>> owned; ///< launcher's thread only, as is the next
  std::optional<guard> warden;
  std::size_t started = 0; ///< nodes

  std::mutex mutex;
  std::condition_variable ended;
  std::deque<std::packaged_task<int()>> requests;
  std::map<std::string, pid_t> alive; ///< no_process: reaped, and its exit is being told
  std::function<void(const scenarios::process_exit&)> exit_callback;
  bool stopping = false;
  std::thread thread;
};

process_launcher::process_launcher(launcher_options options)
    : impl_(std::make_unique<impl>(std::move(options))) {}
process_launcher::~process_launcher() = default;

void process_launcher::on_exit(std::function<void(const scenarios::process_exit&)> callback) {
  const std::lock_guard lock(impl_->mutex);
  impl_->exit_callback = std::move(callback);
}

int process_launcher::start(const std::string& node, const std::string& join_endpoint,
                            const std::string& secret) {
  const start_request request{node, secret, impl_->options.arguments(node, join_endpoint)};
  return impl_->ask([&] { return impl_->start(request); });
}

void process_launcher::clean_up_after(const std::filesystem::path& sockets) {
  impl_->ask([&] {
    impl_->the_guard().watch_sockets(sockets);
    return 0;
  });
}

void process_launcher::signal(const std::string& node, int signal_number) {
  const std::lock_guard lock(impl_->mutex);
  const auto found = impl_->alive.find(node);
  if (found != impl_->alive.end() && found->second != no_process) ::kill(found->second, signal_number);
}

std::vector<std::string> process_launcher::wait_all(std::chrono::milliseconds limit) {
  std::unique_lock lock(impl_->mutex);
  impl_->ended.wait_for(lock, limit, [&] { return impl_->alive.empty(); });
  std::vector<std::string> names;
  for (const auto& [node, pid] : impl_->alive)
    names.push_back(node);
  return names;
}

void process_launcher::kill_all() {
  const std::lock_guard lock(impl_->mutex);
  impl_->kill_groups();
}

} // namespace troupe::cli
