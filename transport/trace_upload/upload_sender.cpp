// The sending side of an upload: a visit with a hub of its own.
#include "transport/trace_upload/upload_sender.hpp"

#include "base/durations.hpp"
#include "transport/frames/bytes.hpp"
#include "transport/frames/standstill.hpp"
#include "transport/trace_upload/upload_receiver.hpp"
#include "transport/trace_upload/upload_steps.hpp"

#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <fstream>
#include <mutex>

namespace troupe::transport {

namespace {

using std::chrono::steady_clock;

/// How often a waiting sender asks whether it shall give up.
constexpr std::chrono::milliseconds look_interval{50};
constexpr std::chrono::milliseconds goodbye_patience{1000};

/// What the other side has said so far. Told on the I/O thread, awaited by the caller's.
class answers final : public hub_listener {
 public:
  void on_peer_up(const peer_ptr&) override {}
  void on_frame(const peer_ptr&, inbound_frame frame) override {
    envelope_view envelope;
    std::lock_guard lock{mutex_};
    while (frame.next(envelope)) {
      if (envelope.header.kind != envelope_kind::receipt) continue;
      auto answer = read_receipt(envelope.payload);
      switch (answer.what) {
      case upload_answer::kind::taken:
        taken_ = answer.bytes;
        accepted_ = true;
        ++news_;
        break;
      case upload_answer::kind::kept:
        kept_ = true;
        break;
      case upload_answer::kind::refused:
        why_not_ = answer.why.empty() ? "refused" : std::move(answer.why);
        break;
      case upload_answer::kind::malformed:
        why_not_ = "the answer is malformed";
        break;
      }
    }
    changed_.notify_all();
  }
  void on_peer_down(const peer_ptr&, down_reason reason, std::string_view detail, std::uint64_t) override {
    std::lock_guard lock{mutex_};
    if (why_not_.empty() && !kept_)
      why_not_ = "the connection was lost (" + std::string{detail.empty() ? to_string(reason) : detail} + ")";
    changed_.notify_all();
  }
  void connected(peer_ptr peer, std::string_view why_not) {
    std::lock_guard lock{mutex_};
    peer_ = std::move(peer);
    if (peer_ == nullptr) why_not_ = why_not;
    ++news_;
    changed_.notify_all();
  }

  /// Waits until `reached(*this)`, or there is a reason why it never will be, which it
  /// returns. The patience begins anew with every sign of progress.
  template <class Reached>
  std::string await(const upload_request& what, Reached reached) {
    std::unique_lock lock{mutex_};
    auto seen = news_;
    waiting_limit limit{what.patience, steady_clock::now()};
    while (why_not_.empty()) {
      if (!kept_ && what.give_up && what.give_up()) return "interrupted";
      if (reached(*this)) return {};
      if (seen != news_) limit.renew(steady_clock::now());
      seen = news_;
      if (limit.is_over(steady_clock::now())) return "no progress for " + limit_text(what.patience);
      changed_.wait_for(lock, look_interval);
    }
    return why_not_;
  }

  // Of await()'s condition, which runs under the lock.
  peer_ptr peer_;
  std::uint64_t taken_ = 0;
  bool accepted_ = false;
  bool kept_ = false;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t news_ = 0;
  std::string why_not_;
};

std::string send(const peer_ptr& to, upload_step step, std::span<const char> body) {
  const auto result = to->send({.kind = envelope_kind::upload}, [&](byte_buffer& out) {
    out.push_back(static_cast<char>(step));
    out.insert(out.end(), body.begin(), body.end());
    return true;
  });
  return result == send_result::ok ? std::string{} : "the connection was lost";
}

std::string send_file(const upload_request& what, const peer_ptr& to, answers& heard, std::uint64_t number,
                      std::uint64_t size, std::uint64_t& sent) {
  const auto& path = what.files[static_cast<std::size_t>(number)];
  std::ifstream in{path, std::ios::binary};
  if (!in) return "cannot open " + path.string() + ": " + std::strerror(errno);
  byte_buffer head;
  put_varint(head, number);
  put_fixed(head, size);
  if (auto why = send(to, upload_step::file, head); !why.empty()) return why;
  byte_buffer part;
  std::uint32_t digest = 0;
  for (std::uint64_t left = size; left != 0; left -= part.size()) {
    part.resize(static_cast<std::size_t>(std::min<std::uint64_t>(left, limits::upload_part_bytes_max)));
    if (!in.read(part.data(), static_cast<std::streamsize>(part.size())))
      return "cannot read " + path.string() + " to its end";
    digest = file_digest(part, digest);
    auto why = heard.await(
        what, [&](const answers& x) { return sent + part.size() <= x.taken_ + limits::upload_window_bytes; });
    if (why.empty()) why = send(to, upload_step::part, part);
    if (!why.empty()) return why;
    sent += part.size();
  }
  byte_buffer tail;
  put_fixed(tail, digest);
  return send(to, upload_step::end, tail);
}

std::string send_all(const upload_request& what, const std::vector<std::uint64_t>& sizes, std::uint64_t total,
                     answers& heard) {
  if (auto why = heard.await(what, [](const answers& x) { return x.peer_ != nullptr; }); !why.empty())
    return why;
  const auto to = heard.peer_;
  if ((to->hello().capabilities & capability_upload) == 0) return "that node takes no files";
  byte_buffer head;
  put_text(head, what.owner.name);
  put_fixed(head, what.owner.incarnation);
  put_varint(head, what.files.size());
  put_fixed(head, total);
  auto why = send(to, upload_step::begin, head);
  // Nobody sends what is not wanted.
  if (why.empty()) why = heard.await(what, [](const answers& x) { return x.accepted_; });
  std::uint64_t sent = 0;
  for (std::size_t i = 0; why.empty() && i < sizes.size(); ++i)
    why = send_file(what, to, heard, i, sizes[i], sent);
  if (why.empty()) why = heard.await(what, [](const answers& x) { return x.kept_; });
  return why;
}

} // namespace

std::string upload(const upload_request& what, hub_options links) {
  if (what.files.empty()) return "there are no files";
  std::vector<std::uint64_t> sizes;
  std::uint64_t total = 0;
  for (auto& path : what.files) {
    std::error_code error;
    sizes.push_back(std::filesystem::file_size(path, error));
    if (error) return "cannot read " + path.string() + ": " + error.message();
    total += sizes.back();
  }
  links.identity.incarnation = draw_incarnation();
  links.identity.name = std::string{visitor_prefix} + std::to_string(links.identity.incarnation);
  links.listen.clear();
  links.greeting.clear();
  links.capabilities = capability_upload;
  trace::recorder recorder{{.directory = {}, .node = "upload", .what = trace::level::off}};
  trace::ledger books;
  answers heard;
  hub visit{links, heard, recorder, books};
  visit.connect(what.endpoint, what.patience,
                [&heard](const peer_ptr& peer, std::string_view why_not) { heard.connected(peer, why_not); });
  auto why = send_all(what, sizes, total, heard);
  visit.stop(goodbye_patience);
  return why;
}

} // namespace troupe::transport
