#include "cli/terminal/console.hpp"

#include "base/thread_name.hpp"

#include <array>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fmt/format.h>
#include <map>
#include <mutex>
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <thread>
#include <unistd.h>

namespace troupe::cli {
namespace {

constexpr int patience_ms = 2000;
// A pipe that polls as writable takes this much without blocking (PIPE_BUF).
constexpr std::size_t chunk_bytes = 4096;
constexpr std::string_view clear_line = "\r\x1b[2K";

std::size_t columns(int fd) {
  winsize size{};
  return ::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

text_style style_of_node(std::size_t index) {
  constexpr std::array<text_style, 6> styles{text_style::cyan,  text_style::yellow, text_style::magenta,
                                             text_style::green, text_style::blue,   text_style::red};
  return styles[index % styles.size()];
}

} // namespace

bool is_terminal(int fd) {
  const char* term = std::getenv("TERM");
  return ::isatty(fd) == 1 && term && *term != '\0' && std::strcmp(term, "dumb") != 0;
}

bool wants_colour(int fd) {
  const char* no_colour = std::getenv("NO_COLOR");
  return is_terminal(fd) && (!no_colour || *no_colour == '\0');
}

struct console::impl {
  impl(int descriptor, std::function<void(std::string_view)> listener)
      : fd(descriptor), on_terminal(is_terminal(fd)), in_colour(wants_colour(fd)), also(std::move(listener)),
        thread([this] {
          name_thread("troupe.console");
          run();
        }) {}

  ~impl() {
    {
      const std::lock_guard lock(mutex);
      stopping = true;
      held = false;
      status = {};
      changed.notify_all();
    }
    thread.join();
  }

  void push(const shown_text& line) { // under the lock
    lines.push_back(line.text(in_colour) + '\n');
    queued_bytes += lines.back().size();
    changed.notify_all();
  }

  void tell_dropped() { // under the lock
    if (dropped_lines == 0) return;
    push(say("({} lines of the nodes, {} bytes, are not shown: they came faster than they could be written)",
             dropped_lines, dropped_bytes));
    dropped_lines = dropped_bytes = 0;
  }

  bool idle() const {
    return held || (lines.empty() && status.plain() == shown.plain() && dropped_lines == 0);
  }

  void run() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, nullptr);
    std::unique_lock lock(mutex);
    while (true) {
      changed.wait(lock, [&] { return stopping || !idle(); });
      if (stopping && (idle() || stuck)) return;
      if (queued_bytes < backlog_bytes_max / 2) tell_dropped();
      std::string text = shown.empty() ? "" : std::string(clear_line);
      while (!lines.empty() && text.size() < chunk_bytes) {
        queued_bytes -= lines.front().size();
        text += lines.front();
        lines.pop_front();
      }
      shown = status;
      text += shown.cut(std::max(1, static_cast<int>(columns(fd)) - 1)).text(in_colour);
      writing = true;
      lock.unlock();
      const bool written = write_out(text);
      lock.lock();
      writing = false;
      if (!written) lines.clear(), queued_bytes = 0, stuck = true;
      changed.notify_all();
    }
  }

  // False if nobody will read it any more.
  bool write_out(std::string_view text) {
    while (!text.empty()) {
      pollfd set{fd, POLLOUT, 0};
      const int ready = ::poll(&set, 1, patience_ms);
      if (ready < 0 && errno != EINTR) return false;
      if (ready == 0 && give_up()) return false;
      if (ready <= 0) continue;
      const auto n = ::write(fd, text.data(), std::min(text.size(), chunk_bytes));
      if (n > 0) text.remove_prefix(static_cast<std::size_t>(n));
      if (n < 0 && errno != EINTR && errno != EAGAIN) return false;
    }
    return true;
  }

  bool give_up() {
    const std::lock_guard lock(mutex);
    return stopping;
  }

  const int fd;
  const bool on_terminal, in_colour;
  const std::function<void(std::string_view)> also;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::string> lines;
  std::size_t queued_bytes = 0;
  std::uint64_t dropped_lines = 0, dropped_bytes = 0;
  std::map<std::string, std::size_t> indices; ///< of nodes, for their colours
  shown_text status, shown;
  bool stopping = false, writing = false, stuck = false, held = false;
  std::thread thread;
};

console::console(int fd, std::function<void(std::string_view)> also)
    : impl_(std::make_unique<impl>(fd, std::move(also))) {}
console::~console() = default;
bool console::colour() const { return impl_->in_colour; }
bool console::terminal() const { return impl_->on_terminal; }

void console::message(const shown_text& line) {
  if (impl_->also) impl_->also(line.plain());
  const std::lock_guard lock(impl_->mutex);
  impl_->push(line);
}

void console::node_line(std::string_view node, std::string_view line) {
  const auto text = shown_text::with_tabs(line);
  if (impl_->also) impl_->also(say("{} | {}", node, text).plain());
  const std::lock_guard lock(impl_->mutex);
  auto& state = *impl_;
  if (state.dropped_lines > 0 || state.queued_bytes + line.size() > backlog_bytes_max) {
    ++state.dropped_lines;
    state.dropped_bytes += line.size() + 1;
    state.changed.notify_all();
    return;
  }
  const auto index = state.indices.emplace(node, state.indices.size()).first->second;
  state.push(say("{} {}", say("{} |", node).in(style_of_node(index)), text));
}

void console::status(const shown_text& line) {
  if (!impl_->on_terminal) return;
  const std::lock_guard lock(impl_->mutex);
  impl_->status = line;
  impl_->changed.notify_all();
}

void console::hold(bool held) {
  std::unique_lock lock(impl_->mutex);
  impl_->held = held && !impl_->stopping;
  impl_->changed.notify_all();
  if (held)
    impl_->changed.wait_for(lock, std::chrono::milliseconds{patience_ms}, [&] { return !impl_->writing; });
}

void console::flush() {
  std::unique_lock lock(impl_->mutex);
  auto before = impl_->queued_bytes;
  const auto done = [&] { return (impl_->idle() && !impl_->writing) || impl_->stuck; };
  while (!impl_->changed.wait_for(lock, std::chrono::milliseconds{patience_ms}, done)) {
    if (impl_->queued_bytes == before) return;
    before = impl_->queued_bytes;
  }
}

} // namespace troupe::cli
