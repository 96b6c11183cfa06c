#include "transport/lines/line_connection.hpp"

#include "base/utf8.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace troupe::transport {

namespace {

/// What a line costs besides its bytes while it waits for its answer.
constexpr std::size_t line_overhead_bytes = 128;
/// What an empty buffer may keep of its memory.
constexpr std::size_t idle_buffer_bytes_max = 32U << 10;

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
  if (!is_utf8(line)) {
    end(line_ending::not_utf8, "error: this line is not UTF-8", now);
    return;
  }
  open_.push_back(line.size() + line_overhead_bytes);
  open_bytes_ += open_.back();
  ++accepted_;
  accepted.push_back(std::move(line));
  if (accepted_ == limits_->lines_max) end(line_ending::finished, {}, now);
}

bool line_connection::has_room() const {
  return open_.size() < limits_->open_lines_max && open_bytes_ + queued_bytes() < limits_->queued_bytes_max;
}

bool line_connection::is_too_long() const {
  if (line_end_ != std::string::npos || input_.size() - taken_ <= limits_->line_bytes_max) return false;
  // One byte more than a line has: it may be a CR.
  return input_.size() - taken_ > limits_->line_bytes_max + 1 || input_.back() != '\r';
}

void line_connection::receive(std::span<const char> bytes, time_point now) {
  if (phase_ != phase::open || bytes.empty()) return;
  last_input_ = now;
  if (input_.size() == taken_) line_began_ = now;
  if (taken_ > input_.size() / 2) {
    input_.erase(0, taken_);
    if (line_end_ != std::string::npos) line_end_ -= taken_;
    taken_ = 0;
  }
  const auto before = input_.size();
  input_.append(bytes.data(), bytes.size());
  if (line_end_ == std::string::npos) line_end_ = input_.find('\n', before);
}

void line_connection::receive_line(std::string line, time_point now) {
  if (phase_ != phase::open) return;
  last_input_ = now;
  held_bytes_ += line.size() + line_overhead_bytes;
  held_.push_back(std::move(line));
}

void line_connection::end_of_input(time_point now) {
  if (phase_ != phase::open) return;
  last_input_ = now;
  input_ended_ = true;
}

/// The next line, which is whole or longer than a line may be.
std::string line_connection::take_line(time_point now) {
  if (!held_.empty()) {
    auto line = std::move(held_.front());
    held_.pop_front();
    held_bytes_ -= line.size() + line_overhead_bytes;
    return line;
  }
  const auto end = std::min(line_end_, input_.size());
  auto line = input_.substr(taken_, end - taken_);
  taken_ = std::min(end + 1, input_.size());
  if (line_end_ != std::string::npos && !line.empty() && line.back() == '\r') line.pop_back();
  line_end_ = input_.find('\n', taken_);
  line_began_ = now;
  if (taken_ == input_.size()) {
    taken_ = 0;
    input_.clear();
    if (input_.capacity() > idle_buffer_bytes_max) input_.shrink_to_fit();
  }
  return line;
}

void line_connection::take_lines(time_point now, std::vector<std::string>& accepted) {
  while (phase_ == phase::open && has_room() && has_lines())
    accept(take_line(now), accepted, now);
  if (input_ended_ && !has_lines()) end(line_ending::client_left, {}, now);
}

void line_connection::forget_input() {
  std::string{}.swap(input_);
  taken_ = 0;
  line_end_ = std::string::npos;
  held_.clear();
  held_bytes_ = 0;
}

// -- output --------------------------------------------------------------------------

void line_connection::write(std::string_view text, time_point now) {
  if (output_sent_ == output_.size()) {
    output_.clear();
    output_sent_ = 0;
    if (output_.capacity() > idle_buffer_bytes_max) output_.shrink_to_fit();
    headway_ = now;
  } else if (output_sent_ > output_.size() / 2) {
    output_.erase(0, std::exchange(output_sent_, 0));
  }
  output_.append(text).push_back('\n');
  written_ += text.size() + 1;
}

/// Answers are bounded by the lines that were accepted: who reads them slowly is not read.
void line_connection::answer(std::string_view text, time_point now) {
  if (phase_ == phase::closed || open_.empty()) return;
  open_bytes_ -= open_.front();
  open_.pop_front();
  write(text, now);
  answer_ends_.push_back(written_);
  close_if_through(now);
}

void line_connection::notify(std::string_view text, time_point now) {
  if (phase_ != phase::open && phase_ != phase::draining) return;
  if (queued_bytes() + text.size() + 1 > limits_->queued_bytes_max)
    lost(line_ending::slow_reader);
  else
    write(text, now);
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
  headway_ = ending_since_ = now;
}

// -- the end ---------------------------------------------------------------------------

void line_connection::close_if_through(time_point now) {
  if (phase_ != phase::draining || !open_.empty()) return;
  if (!last_words_.empty()) write(std::exchange(last_words_, {}), now);
  phase_ = phase::closing;
  ending_since_ = now;
}

void line_connection::end(line_ending why, std::string_view last_words, time_point now) {
  if (phase_ != phase::open) return;
  phase_ = phase::draining;
  why_ = why;
  last_words_ = last_words;
  forget_input();
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
  forget_input();
}

void line_connection::tick(time_point now) {
  auto expired = [&](std::chrono::milliseconds limit, time_point since) {
    return limit.count() > 0 && now - since >= limit;
  };
  // A full queue that nothing leaves: the client does not read.
  const bool stuck =
      queued_bytes() >= limits_->queued_bytes_max && expired(limits_->reading_timeout, headway_);
  switch (phase_) {
  case phase::open:
    if (!wants_input()) line_began_ = now; // it is not read, so it cannot end its line
    if (stuck)
      lost(line_ending::slow_reader);
    else if (input_.size() > taken_ && expired(limits_->line_timeout, line_began_))
      end(line_ending::line_timeout, "error: the line did not end in time", now);
    else if (input_.size() == taken_ && held_.empty() && open_.empty()
             && expired(limits_->idle_timeout, last_input_))
      end(line_ending::idle, "error: nothing was said for too long", now);
    break;
  case phase::draining: // whoever answers decides when
    if (stuck) lost(line_ending::slow_reader);
    break;
  case phase::closing:
    if (!output().empty() && expired(limits_->closing_timeout, ending_since_)) lost(line_ending::slow_reader);
    break;
  case phase::closed:
    break;
  }
}

} // namespace troupe::transport
