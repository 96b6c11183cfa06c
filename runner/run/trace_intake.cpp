#include "runner/run/trace_intake.hpp"

#include "base/durations.hpp"
#include "base/thread_name.hpp"
#include "trace/merge/collect.hpp"
#include "trace/record/format.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

namespace troupe::scenarios {

using std::chrono::steady_clock;

/// A trace has this much even where the plan allows less.
constexpr std::uint64_t trace_bytes_min = trace::format::file_header_bytes + trace::format::unit_bytes;

/// The files of one upload, under names that no reader looks at until all are there.
class trace_intake::store final : public transport::upload_store {
 public:
  explicit store(trace_intake& owner) : owner_(owner) {}

  std::string accept(const transport::node_identity& who, std::uint64_t, std::uint64_t bytes) override {
    auto why = owner_.begin(who, bytes);
    if (why.empty()) who_ = who;
    return why;
  }
  std::string open(std::uint64_t number) override {
    auto path = trace::unfinished_name(owner_.run_dir_, who_.name, who_.incarnation, number);
    errno = 0;
    file_.open(path, std::ios::binary | std::ios::trunc);
    if (!file_) return "cannot make " + path.string() + ": " + std::strerror(errno);
    files_.emplace(static_cast<std::uint32_t>(number), std::move(path));
    return {};
  }
  std::string write(std::span<const char> part) override {
    errno = 0;
    file_.write(part.data(), static_cast<std::streamsize>(part.size()));
    return file_ ? std::string{}
                 : "cannot write to " + owner_.run_dir_.string() + ": " + std::strerror(errno);
  }
  std::string close() override {
    errno = 0;
    file_.close();
    return file_ ? std::string{}
                 : "cannot write to " + owner_.run_dir_.string() + ": " + std::strerror(errno);
  }
  std::string keep() override {
    return trace::put_in_place(owner_.run_dir_, who_.name, who_.incarnation, files_);
  }
  void discard() noexcept override {
    std::error_code ignored;
    file_.close();
    for (auto& [number, path] : files_)
      std::filesystem::remove(path, ignored);
    files_.clear();
  }
  std::uint64_t incarnation() const { return who_.incarnation; }

 private:
  trace_intake& owner_;
  transport::node_identity who_;
  std::ofstream file_;
  std::map<std::uint32_t, std::filesystem::path> files_;
};

struct trace_intake::visit {
  explicit visit(trace_intake& owner) : files(owner), receiver(files) {}
  store files;
  transport::upload_receiver receiver;
  bool over = false;
};

trace_intake::trace_intake(std::filesystem::path run_dir, limits most)
    : run_dir_(std::move(run_dir)), limits_(most), thread_([this] {
        name_thread("troupe.intake");
        work();
      }) {}

trace_intake::~trace_intake() {
  {
    std::lock_guard lock{mutex_};
    stopping_ = true;
    changed_.notify_all();
  }
  thread_.join();
  visits_.clear();
}

// -- what was promised -----------------------------------------------------------------

void trace_intake::expect(const transport::node_identity& who, std::string place) {
  std::lock_guard lock{mutex_};
  promises_[who.incarnation] = {who.name, std::move(place), {}, progress::promised, false, {}};
}

void trace_intake::on_node_gone(const transport::node_identity& who, bool in_order) {
  std::lock_guard lock{mutex_};
  auto found = promises_.find(who.incarnation);
  if (found == promises_.end()) return;
  auto& promise = found->second;
  promise.node_left = true;
  promise.last_sign = steady_clock::now();
  if (promise.at == progress::promised) promise.at = in_order ? progress::due : progress::lost;
  changed_.notify_all();
}

std::vector<std::string> trace_intake::awaited() {
  std::vector<std::string> names;
  const auto now = steady_clock::now();
  std::lock_guard lock{mutex_};
  const bool stood_still = standstill_.look(now).count() > 0;
  for (auto& [incarnation, promise] : promises_) {
    if (stood_still) promise.last_sign = now;
    if ((promise.at == progress::due || promise.at == progress::arriving)
        && now < promise.last_sign + limits_.patience)
      names.push_back(promise.node);
  }
  return names;
}

void trace_intake::wait_for_news(std::chrono::milliseconds time) {
  std::unique_lock lock{mutex_};
  changed_.wait_for(lock, time);
}

std::vector<trace_intake::missing_trace> trace_intake::missing() {
  std::vector<missing_trace> out;
  std::lock_guard lock{mutex_};
  for (auto& [incarnation, promise] : promises_) {
    if (promise.at == progress::here) continue;
    auto why = promise.why;
    if (promise.at == progress::promised || promise.at == progress::lost)
      why = "it did not leave in order";
    else if (promise.at == progress::arriving)
      why = "it was not complete when it stopped coming";
    else if (promise.at == progress::due)
      why = "it did not come within " + limit_text(limits_.patience);
    out.push_back({promise.node, promise.place, std::move(why)});
  }
  return out;
}

std::string trace_intake::begin(const transport::node_identity& who, std::uint64_t bytes) {
  std::lock_guard lock{mutex_};
  auto found = promises_.find(who.incarnation);
  if (found == promises_.end() || found->second.node != who.name)
    return "this run expects no trace of that start of node " + who.name;
  auto& promise = found->second;
  if (!trace::names_a_trace(who.name)) return "no trace can be named after that node";
  if (promise.at == progress::here) return "the trace of node " + who.name + " is here already";
  if (promise.at == progress::arriving) return "the trace of node " + who.name + " is arriving already";
  if (bytes > std::max(limits_.bytes_max, trace_bytes_min))
    return "the trace has " + std::to_string(bytes) + " bytes; in this run one has at most "
           + std::to_string(limits_.bytes_max);
  promise.at = progress::arriving;
  promise.last_sign = steady_clock::now();
  return {};
}

void trace_intake::sign_of_life(std::uint64_t incarnation) {
  std::lock_guard lock{mutex_};
  if (auto found = promises_.find(incarnation); found != promises_.end())
    found->second.last_sign = steady_clock::now();
}

void trace_intake::finish(std::uint64_t incarnation, bool kept, const std::string& why) {
  std::lock_guard lock{mutex_};
  auto found = promises_.find(incarnation);
  if (found == promises_.end() || found->second.at != progress::arriving) return;
  found->second.at = kept ? progress::here : progress::failed;
  found->second.why = why;
  changed_.notify_all();
}

// -- what arrives ------------------------------------------------------------------------

void trace_intake::on_frame(const transport::peer_ptr& from, transport::inbound_frame frame) {
  push({from, std::move(frame)});
}

void trace_intake::on_peer_down(const transport::peer_ptr& from, transport::down_reason, std::string_view,
                                std::uint64_t) {
  push({from, std::nullopt});
}

void trace_intake::push(arrival what) {
  std::lock_guard lock{mutex_};
  arrivals_.push_back(std::move(what));
  changed_.notify_all();
}

void trace_intake::work() {
  std::unique_lock lock{mutex_};
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !arrivals_.empty(); });
    if (arrivals_.empty()) return;
    auto next = std::move(arrivals_.front());
    arrivals_.pop_front();
    lock.unlock();
    handle(next);
    lock.lock();
  }
}

void trace_intake::handle(arrival& what) {
  using state = transport::upload_receiver::state;
  if (!what.frame) {
    auto found = visits_.find(what.from.get());
    if (found == visits_.end()) return;
    auto& gone = *found->second;
    gone.receiver.give_up();
    if (!gone.over) finish(gone.files.incarnation(), false, gone.receiver.why_refused());
    visits_.erase(found);
    return;
  }
  auto& slot = visits_[what.from.get()];
  if (slot == nullptr) slot = std::make_unique<visit>(*this);
  auto& [files, receiver, over] = *slot;
  transport::envelope_view envelope;
  while (what.frame->next(envelope)) {
    if (envelope.header.kind != transport::envelope_kind::upload) continue;
    const auto answer = receiver.on_payload(envelope.payload);
    const auto at = receiver.where();
    if (!over && (at == state::kept || at == state::refused)) {
      over = true;
      finish(files.incarnation(), at == state::kept, receiver.why_refused());
    }
    if (!answer.empty())
      what.from->send({.kind = transport::envelope_kind::receipt}, [&](transport::byte_buffer& out) {
        out.insert(out.end(), answer.begin(), answer.end());
        return true;
      });
  }
  if (!over) sign_of_life(files.incarnation());
}

} // namespace troupe::scenarios
