#include "transport/line_connection.hpp"

#include "trace/utf8.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace troupe::transport {

namespace {

/// What a line costs besides its bytes while it waits for its answer.
constexpr std::size_t line_overhead_bytes = 128;

} // namespace

std::string_view to_string(line_ending x) {
  switch (x) {
  case line_ending::none:
    return "none";
  case line_ending::client_left:
    return "client_left";
  case line_ending::finished:
    return "finished";
  case line_ending::line_too_long:
    return "line_too_long";
  case line_ending::not_utf8:
    return "not_utf8";
  case line_ending::line_timeout:
    return "line_timeout";
  case line_ending::idle:
    return "idle";
  case line_ending::slow_reader:
    return "slow_reader";
  case line_ending::refused:
    return "refused";
  case line_ending::handler_failed:
    return "handler_failed";
  case line_ending::stopped:
    return "stopped";
  }
  return "unknown";
}

// -- input ---------------------------------------------------------------------------

void line_connection::accept(std::string line, std::vector<std::string>& accepted, time_point now) {
  if (line.size() > limits_->line_bytes_max) {
    end(line_ending::line_too_long,
        "error: a line has at most " + std::to_string(limits_->line_bytes_max) + " bytes", now);
    return;
  }
  if (!trace::is_utf8(line)) {
    end(line_ending::not_utf8, "error: this line is not UTF-8", now);
    return;
  }
  open_.push_back(line.size() + line_overhead_bytes);
  open_bytes_ += open_.back();
  ++accepted_;
  accepted.push_back(std::move(line));
  if (accepted_ == limits_->lines_max) end(line_ending::finished, {}, now);
}

void line_connection::receive(std::span<const char> bytes, time_point now,
                              std::vector<std::string>& accepted) {
  last_input_ = now;
  while (phase_ == phase::open && !bytes.empty()) {
    const auto* found = static_cast<const char*>(std::memchr(bytes.data(), '\n', bytes.size()));
    const auto count = found != nullptr ? static_cast<std::size_t>(found - bytes.data()) : bytes.size();
    if (partial_.empty()) line_began_ = now;
    // One byte more than a line has: it may be a CR.
    const auto room = limits_->line_bytes_max + 1 - partial_.size();
    partial_.append(bytes.data(), std::min(count, room));
    const bool cut = count > room || (partial_.size() > limits_->line_bytes_max && partial_.back() != '\r');
    if (found == nullptr && !cut) return;
    bytes = bytes.subspan(found != nullptr ? count + 1 : count);
    auto line = std::exchange(partial_, {});
    if (!cut && !line.empty() && line.back() == '\r') line.pop_back();
    accept(std::move(line), accepted, now);
  }
}

void line_connection::receive_line(std::string line, time_point now, std::vector<std::string>& accepted) {
  last_input_ = now;
  if (phase_ == phase::open) accept(std::move(line), accepted, now);
}

// -- output --------------------------------------------------------------------------

bool line_connection::write(std::string_view text) {
  if (phase_ == phase::closed) return false;
  if (queued_bytes() + text.size() + 1 > limits_->queued_bytes_max) {
    lost(line_ending::slow_reader);
    return false;
  }
  if (output_sent_ == output_.size()) {
    output_.clear();
    output_sent_ = 0;
    if (output_.capacity() > 64U << 10) output_.shrink_to_fit();
  } else if (output_sent_ > output_.size() / 2) {
    output_.erase(0, std::exchange(output_sent_, 0));
  }
  output_.append(text).push_back('\n');
  written_ += text.size() + 1;
  return true;
}

void line_connection::answer(std::string_view text, time_point now) {
  if (phase_ == phase::closed || open_.empty()) return;
  open_bytes_ -= open_.front();
  open_.pop_front();
  if (write(text))
    answer_ends_.push_back(written_);
  else
    ++unanswered_;
  close_if_through(now);
}

void line_connection::notify(std::string_view text) {
  if (phase_ == phase::open || phase_ == phase::draining) write(text);
}

std::string_view line_connection::output_line() const {
  const auto all = output();
  const auto end = all.find('\n');
  return end == std::string_view::npos ? all : all.substr(0, end + 1);
}

void line_connection::sent(std::size_t bytes, time_point now) {
  output_sent_ += bytes;
  gone_out_ += bytes;
  while (!answer_ends_.empty() && answer_ends_.front() <= gone_out_) {
    answer_ends_.pop_front();
    ++answered_;
  }
  ending_since_ = now; // it makes headway
}

// -- the end ---------------------------------------------------------------------------

void line_connection::close_if_through(time_point now) {
  if (phase_ != phase::draining || !open_.empty()) return;
  if (!last_words_.empty()) write(std::exchange(last_words_, {}));
  if (phase_ != phase::draining) return; // not even that was read
  phase_ = phase::closing;
  ending_since_ = now;
}

void line_connection::end(line_ending why, std::string_view last_words, time_point now) {
  if (phase_ != phase::open) return;
  phase_ = phase::draining;
  why_ = why;
  last_words_ = last_words;
  std::string{}.swap(partial_);
  ending_since_ = now;
  close_if_through(now);
}

void line_connection::drop_open() {
  unanswered_ += open_.size();
  open_.clear();
  open_bytes_ = 0;
}

void line_connection::give_up(line_ending why, std::string_view last_words, time_point now) {
  if (phase_ == phase::draining) {
    why_ = why;
    last_words_ = last_words;
  }
  end(why, last_words, now); // first, so that it does not look answered
  drop_open();
  close_if_through(now);
}

void line_connection::lost(line_ending why) {
  if (phase_ == phase::closed) return;
  if (phase_ == phase::open || !open_.empty() || !answer_ends_.empty()) why_ = why;
  phase_ = phase::closed;
  drop_open();
  unanswered_ += answer_ends_.size();
  answer_ends_.clear();
  std::string{}.swap(output_);
  output_sent_ = 0;
  std::string{}.swap(partial_);
}

void line_connection::tick(time_point now) {
  auto expired = [&](std::chrono::milliseconds limit, time_point since) {
    return limit.count() > 0 && now - since >= limit;
  };
  switch (phase_) {
  case phase::open:
    if (!partial_.empty() && expired(limits_->line_timeout, line_began_))
      end(line_ending::line_timeout, "error: the line did not end in time", now);
    else if (partial_.empty() && open_.empty() && expired(limits_->idle_timeout, last_input_))
      end(line_ending::idle, "error: nothing was said for too long", now);
    break;
  case phase::draining:
    break; // whoever answers decides when
  case phase::closing:
    if (!output().empty() && expired(limits_->closing_timeout, ending_since_)) lost(line_ending::slow_reader);
    break;
  case phase::closed:
    break;
  }
}

} // namespace troupe::transport
