#include "transport/hub/gatekeeper.hpp"

#include "transport/frames/limits.hpp"

#include <array>
#include <stdexcept>

namespace troupe::transport {

namespace {

constexpr std::size_t lines_a_second_max = 10;
constexpr std::size_t request_parts = 7; // with one credential, as CURVE has it
constexpr std::size_t curve_key_bytes = 32;

std::string text_of(const zmq_frame& f) { return {f.bytes().begin(), f.bytes().end()}; }

} // namespace

// -- stranger_log --------------------------------------------------------------------------

stranger_log::~stranger_log() { say_unlogged(); }

void stranger_log::say_unlogged() {
  if (unlogged_ != 0 && log_)
    log_(log_level::warning, std::to_string(unlogged_) + " more attempts of strangers to connect");
  unlogged_ = 0;
}

void stranger_log::note(const std::string& place, const std::string& name, std::string_view what,
                        time_point now) {
  ++noted_;
  // Without a name it is one stranger, whatever it sends.
  const auto thing = name.empty() ? std::string{} : name + ": " + std::string(what);
  const auto found = known_.find(place);
  if (found != known_.end()
      && (found->second.told.contains(thing)
          || found->second.told.size() >= limits::local_stranger_lines_max)) {
    ++unlogged_;
    return;
  }
  if (now - second_begin_ >= std::chrono::seconds{1}) {
    second_begin_ = now;
    lines_this_second_ = 0;
  }
  if (lines_this_second_ >= lines_a_second_max) {
    ++unlogged_; // not remembered: it may have its line when it comes again
    return;
  }
  ++lines_this_second_;
  if (found == known_.end()) {
    if (order_.size() >= limits::local_strangers_logged_max) {
      known_.erase(order_.front());
      order_.pop_front();
    }
    known_[place].at = order_.insert(order_.end(), place);
  }
  known_[place].told.insert(thing);
  if (!log_) return;
  log_(log_level::warning, name.empty() ? place + " is not let in: " + std::string(what)
                                        : "refused " + name + ", of " + place + ": " + std::string(what));
}

// -- gatekeeper ----------------------------------------------------------------------------

gatekeeper::gatekeeper(void* context, const security_options& security, stranger_log& strangers)
    : strangers_(strangers), socket_(context, ZMQ_REP) {
  for (const auto& client : security.allowed) {
    if (!is_key(client.public_key))
      throw std::invalid_argument("an allowed client's key is not 40 characters of Z85: \""
                                  + client.public_key + "\"");
    allowed_.emplace(client.public_key, client.node_name);
  }
  socket_.set(ZMQ_LINGER, 0);
  if (!socket_.bind("inproc://zeromq.zap.01"))
    throw std::runtime_error(
        "cannot check the keys of clients: another hub of this ZeroMQ context does already");
  descriptor_ = socket_.descriptor();
}

bool gatekeeper::may_use(std::string_view key, const std::string& node_name) const {
  const auto [first, last] = allowed_.equal_range(key);
  for (auto it = first; it != last; ++it)
    if (it->second.empty() || it->second == node_name || node_name.starts_with(visitor_prefix)) return true;
  return false;
}

void gatekeeper::serve(time_point now) {
  for (;;) {
    std::array<zmq_frame, request_parts> parts;
    std::size_t count = 0;
    for (bool more = true; more;) {
      zmq_frame extra;
      auto& part = count < request_parts ? parts[count] : extra;
      if (!receive_frame(socket_.get(), part)) return;
      more = zmq_msg_more(&part.message) != 0;
      ++count;
    }
    // version, request id, domain, address, routing id, mechanism, credentials
    bool admitted = false;
    std::string key;
    const auto address = text_of(parts[3]);
    if (count == request_parts && text_of(parts[0]) == "1.0" && text_of(parts[5]) == "CURVE"
        && parts[6].bytes().size() == curve_key_bytes) {
      std::array<char, 41> text{};
      zmq_z85_encode(text.data(), static_cast<const std::uint8_t*>(zmq_msg_data(&parts[6].message)),
                     curve_key_bytes);
      key = text.data();
      admitted = allowed_.contains(key);
    }
    if (!admitted)
      strangers_.note(address + " with key " + key,
                      key.empty() ? "it showed no key" : "its key is not on the list", now);
    const std::array<std::string, 6> answer{"1.0",
                                            text_of(parts[1]),
                                            admitted ? "200" : "400",
                                            admitted ? "" : "not admitted",
                                            admitted ? key : "",
                                            ""};
    for (std::size_t i = 0; i < answer.size(); ++i)
      zmq_send(socket_.get(), answer[i].data(), answer[i].size(),
               ZMQ_DONTWAIT | (i + 1 < answer.size() ? ZMQ_SNDMORE : 0));
  }
}

} // namespace troupe::transport
