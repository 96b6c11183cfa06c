#include "base/durations.hpp"
#include "base/json_writer.hpp"
#include "trace/export/export.hpp"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fmt/format.h>
#include <limits>

// https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
// What its readers insist on: slices of one thread nest, a flow's ends lie on slices that
// are open at that moment on the same thread, ids are hexadecimal and unique, no time is
// negative.

namespace troupe::trace {

void text_sink::flush() {
  const bool written = what_ == kind::json  ? out_.json(buffer_)
                       : what_ == kind::csv ? out_.csv(buffer_)
                                            : out_.text(buffer_);
  buffer_.clear();
  if (!written || !out_.flush()) throw file_error(name_, out_.error());
}

namespace {

class perfetto {
 public:
  perfetto(const model& m, const selection& wanted, output& out)
      : m_{m}, wanted_{wanted}, out_{out, text_sink::kind::json}, open_until_(m.actors.size(), INT64_MIN),
        open_since_(m.actors.size(), INT64_MIN), depth_(m.actors.size(), 0) {
    for (auto t : m.events.time)
      earliest_ = std::min(earliest_, t);
  }

  void run() {
    out_ += "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n";
    names();
    auto& e = m_.events;
    for (row i = 0; i < e.size(); ++i) {
      auto message = e.message[i];
      if (message != no_row && !wanted_[message]) continue;
      switch (e.kind[i]) {
      case event_kind::handled:
      case event_kind::unfinished:
        handler(i);
        break;
      case event_kind::sent:
        send(i);
        break;
      case event_kind::dropped:
      case event_kind::dead_lettered:
      case event_kind::noted:
      case event_kind::exited:
      case event_kind::fault:
      case event_kind::told_to_end:
      case event_kind::stood_still:
        instant(i);
        break;
      default:
        break;
      }
      if (message != no_row) mailbox(i, message);
    }
    out_ += "\n]}\n";
    out_.flush();
  }

 private:
  /// Perfetto multiplies by 1,000 and cuts: where that would lose a nanosecond, which lets slices
  /// overlap, the next number upwards is written.
  static std::string micro(std::int64_t ns) {
    auto us = static_cast<double>(ns) / 1000.0;
    if (static_cast<std::int64_t>(us * 1000.0) == ns) return fmt::format("{}.{:03}", ns / 1000, ns % 1000);
    return fmt::format("{}", std::nextafter(us, std::numeric_limits<double>::infinity()));
  }
  std::int64_t since_start(row i) const { return m_.events.time[i] - earliest_; }

  /// Actors live in the process of their node; who is no actor, in that of the event.
  std::string place(std::uint32_t actor, std::uint16_t node) const {
    return fmt::format("\"pid\":{},\"tid\":{}", (actor == 0 ? node : m_.actors[actor].node) + 1, actor + 1);
  }

  void line(const std::string& json) {
    out_ += first_ ? "" : ",\n";
    out_ += json;
    first_ = false;
  }

  void names() {
    for (std::uint16_t n = 0; n < m_.nodes.size(); ++n) {
      line(fmt::format(R"({{"ph":"M","name":"process_name","pid":{},"args":{{"name":{}}}}})", n + 1,
                       json_quoted(m_.node_name(n))));
      line(fmt::format(R"({{"ph":"M","name":"thread_name","pid":{},"tid":1,"args":{{"name":"outside"}}}})",
                       n + 1));
    }
    for (std::uint32_t a = 1; a < m_.actors.size(); ++a)
      line(fmt::format(R"({{"ph":"M","name":"thread_name",{},"args":{{"name":{}}}}})", place(a, 0),
                       json_quoted(m_.actor_name(a))));
  }

  std::string arguments(row message) const {
    const auto content = m_.payload(message);
    return fmt::format(R"("args":{{"message":{},"from":{},"to":{}{}}})",
                       json_quoted(m_.message_name(message)),
                       json_quoted(m_.actor_name(m_.messages.sender[message])),
                       json_quoted(m_.actor_name(m_.messages.receiver[message])),
                       content.empty() ? "" : R"(,"payload":)" + json_quoted(content));
  }

  void handler(row i) {
    auto& e = m_.events;
    auto who = e.actor[i];
    // An actor runs one handler at a time; clocks that were corrected may say otherwise.
    auto begin = std::max(since_start(i), open_until_[who]);
    auto end = std::max(begin, since_start(i) + e.value[i]);
    open_since_[who] = begin;
    open_until_[who] = end;
    line(fmt::format(R"({{"ph":"X","name":{},"cat":"handler","ts":{},"dur":{},{},{}}})",
                     json_quoted(m_.text(e.type[i])), micro(begin), micro(end - begin), place(who, e.node[i]),
                     arguments(e.message[i])));
    if (m_.messages.handled[e.message[i]] == i && m_.messages.sent[e.message[i]] != no_row)
      line(fmt::format(R"({{"ph":"f","bp":"e","name":"message","cat":"message","id":"{:x}","ts":{},{}}})",
                       std::uint64_t{e.message[i]} + 1, micro(begin), place(who, e.node[i])));
  }

  void send(row i) {
    auto& e = m_.events;
    auto who = e.actor[i];
    auto at = since_start(i);
    bool inside = who != 0 && at >= open_since_[who] && at < open_until_[who];
    if (!inside) {
      // Nothing is open there, as where a killed node's last handler ends with this very event: a
      // slice of no length for the flow to begin at.
      const bool just_ended = open_since_[who] < open_until_[who];
      if (at <= open_until_[who]) at = open_until_[who] + (just_ended ? 1 : 0); // behind it, not in it
      open_since_[who] = open_until_[who] = at;
      line(fmt::format(R"({{"ph":"X","name":{},"cat":"send","ts":{},"dur":0.000,{},{}}})",
                       json_quoted("send " + std::string{m_.text(e.type[i])}), micro(at),
                       place(who, e.node[i]), arguments(e.message[i])));
    }
    if (m_.messages.sent[e.message[i]] == i && m_.messages.handled[e.message[i]] != no_row)
      line(fmt::format(R"({{"ph":"s","name":"message","cat":"message","id":"{:x}","ts":{},{}}})",
                       std::uint64_t{e.message[i]} + 1, micro(at), place(who, e.node[i])));
  }

  void instant(row i) {
    auto& e = m_.events;
    auto text = e.kind[i] == event_kind::noted ? m_.notes[static_cast<std::size_t>(e.value[i])]
                : e.kind[i] == event_kind::stood_still
                    ? duration_text(e.value[i])
                    : std::string{m_.text(static_cast<std::uint32_t>(e.value[i]))};
    line(fmt::format(R"({{"ph":"i","s":"t","name":{},"ts":{},{},"args":{{"text":{}}}}})",
                     json_quoted(to_string(e.kind[i])), micro(since_start(i)), place(e.actor[i], e.node[i]),
                     json_quoted(text)));
  }

  void mailbox(row i, row message) {
    auto receiver = m_.messages.receiver[message];
    auto arrived = m_.arrival(message).first;
    if (receiver == 0 || arrived == no_row || m_.messages.delayed[message]) return;
    auto end = m_.messages.handled[message] != no_row ? m_.messages.handled[message]
                                                      : m_.messages.discarded[message];
    if (i != arrived && i != end) return;
    auto& depth = depth_[receiver];
    i == arrived ? ++depth : --depth;
    line(fmt::format(R"({{"ph":"C","name":{},"ts":{},"pid":{},"args":{{"waiting":{}}}}})",
                     json_quoted("mailbox of " + m_.actor_name(receiver)), micro(since_start(i)),
                     m_.actors[receiver].node + 1, std::max<std::int64_t>(0, depth)));
  }

  const model& m_;
  const selection& wanted_;
  text_sink out_;
  std::int64_t earliest_ = 0; ///< events may lie before the start of the run by a clock's error
  std::vector<std::int64_t> open_until_, open_since_, depth_;
  bool first_ = true;
};

} // namespace

void export_perfetto(const model& m, const selection& wanted, output& out, std::vector<std::string>&) {
  perfetto{m, wanted, out}.run();
}

} // namespace troupe::trace
