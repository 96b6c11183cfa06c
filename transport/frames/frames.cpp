#include "transport/frames/frames.hpp"

#include "transport/frames/bytes.hpp"
#include "transport/frames/node_name.hpp"

namespace troupe::transport {

namespace {

constexpr std::size_t number_at = 1;
constexpr std::size_t ack_at = 9;

constexpr const char* cut_short = "frame is cut short, or a field of it is out of range";
constexpr const char* too_long = "bytes after the end of the frame";

void put_self(byte_buffer& out, const peer_hello& self) {
  put_text(out, self.identity.name);
  put_fixed(out, self.identity.incarnation);
  put_fixed(out, self.capabilities);
  put_text(out, self.endpoint);
  put_counted(out, self.greeting);
}

peer_hello read_self(byte_reader& in) {
  peer_hello self;
  self.identity.name = in.string(limits::name_bytes_max);
  self.identity.incarnation = in.fixed<std::uint64_t>();
  self.capabilities = in.fixed<std::uint64_t>();
  self.endpoint = in.string(limits::endpoint_bytes_max);
  const auto greeting = in.counted(limits::greeting_bytes_max);
  self.greeting.assign(greeting.begin(), greeting.end());
  return self;
}

void put_position(byte_buffer& out, const session_position& position) {
  put_fixed(out, position.epoch);
  put_fixed(out, position.seen_epoch);
  put_fixed(out, position.generation);
  put_fixed(out, position.received);
  put_fixed(out, position.credit);
}

session_position read_position(byte_reader& in) {
  session_position position;
  position.epoch = in.fixed<std::uint32_t>();
  position.seen_epoch = in.fixed<std::uint32_t>();
  position.generation = in.fixed<std::uint32_t>();
  position.received = in.fixed<std::uint64_t>();
  position.credit = in.fixed<std::uint64_t>();
  return position;
}

frame_ptr begin(frame_kind kind) {
  auto result = frame_ptr::make();
  result->bytes.push_back(static_cast<char>(kind));
  return result;
}

template <class Frame>
decoded_frame checked(const byte_reader& in, Frame&& frame) {
  if (!in.ok()) return malformed_frame{cut_short};
  if (in.left() != 0) return malformed_frame{too_long};
  return std::forward<Frame>(frame);
}

decoded_frame read_hello(byte_reader& in) {
  hello_frame hello;
  if (in.fixed<std::uint32_t>() != limits::magic) return malformed_frame{"hello without the magic number"};
  hello.version_min = in.fixed<std::uint16_t>();
  hello.version_max = in.fixed<std::uint16_t>();
  // A later version may have another layout from here on: its numbers are enough to
  // refuse it in words.
  if (in.ok() && (hello.version_min > limits::version_max || hello.version_max < limits::version_min))
    return hello;
  hello.frame_bytes_max = in.fixed<std::uint32_t>();
  hello.self = read_self(in);
  hello.wanted.name = in.string(limits::name_bytes_max);
  hello.wanted.incarnation = in.fixed<std::uint64_t>();
  if (in.ok() && wrong_with_node_name(hello.self.identity.name) != nullptr)
    return malformed_frame{"hello with a node name that is none (up to 64 letters, digits, _, - and .)"};
  if (in.ok() && hello.self.identity.incarnation == 0) return malformed_frame{"hello with incarnation 0"};
  return checked(in, std::move(hello));
}

decoded_frame read_welcome(byte_reader& in) {
  welcome_frame welcome;
  if (in.fixed<std::uint32_t>() != limits::magic) return malformed_frame{"welcome without the magic number"};
  welcome.version = in.fixed<std::uint16_t>();
  welcome.frame_bytes_max = in.fixed<std::uint32_t>();
  welcome.self = read_self(in);
  welcome.self.version = welcome.version;
  welcome.position = read_position(in);
  if (in.ok() && wrong_with_node_name(welcome.self.identity.name) != nullptr)
    return malformed_frame{"welcome with a node name that is none (up to 64 letters, digits, _, - and .)"};
  if (in.ok() && welcome.self.identity.incarnation == 0) return malformed_frame{"welcome with incarnation 0"};
  return checked(in, std::move(welcome));
}

decoded_frame read_refuse(byte_reader& in) {
  refuse_frame refuse;
  refuse.code = static_cast<refusal>(in.fixed<std::uint8_t>());
  refuse.detail = in.string(limits::detail_bytes_max);
  if (in.ok() && (refuse.code < refusal::version || refuse.code > refusal::over_limit))
    return malformed_frame{"refusal with an unknown reason"};
  return checked(in, std::move(refuse));
}

decoded_frame read_heartbeat(byte_reader& in) {
  heartbeat_frame heartbeat;
  heartbeat.ack = in.fixed<std::uint64_t>();
  heartbeat.credit = in.fixed<std::uint64_t>();
  heartbeat.sent = in.fixed<std::uint64_t>();
  heartbeat.time_ns = in.fixed<std::uint64_t>();
  heartbeat.echo_ns = in.fixed<std::uint64_t>();
  heartbeat.echo_delay_ns = in.fixed<std::uint64_t>();
  return checked(in, heartbeat);
}

decoded_frame read_numbered(byte_reader& in, frame_kind kind) {
  const auto number = in.fixed<std::uint64_t>();
  const auto ack = in.fixed<std::uint64_t>();
  if (in.ok() && number == 0) return malformed_frame{"numbered frame with number 0"};
  if (kind == frame_kind::goodbye) return checked(in, goodbye_frame{number, ack});
  const auto envelopes = in.bytes(in.left());
  return checked(in, data_frame{number, ack, envelopes});
}

} // namespace

std::string_view to_string(refusal code) {
  switch (code) {
  case refusal::version:
    return "no common protocol version";
  case refusal::malformed:
    return "malformed frame";
  case refusal::itself:
    return "that is the node itself";
  case refusal::other_node:
    return "another node lives there";
  case refusal::superseded:
    return "superseded by a newer incarnation";
  case refusal::stopping:
    return "the node is stopping";
  case refusal::too_many_peers:
    return "too many peers";
  case refusal::frame_limit:
    return "frames over the limit";
  case refusal::stale:
    return "different sessions remembered";
  case refusal::crossed:
    return "crossed connections";
  case refusal::unconfirmed:
    return "no session on this connection";
  case refusal::not_allowed:
    return "not allowed";
  case refusal::reset:
    return "connection reset";
  case refusal::name_taken:
    return "the name is taken";
  case refusal::over_limit:
    return "over a limit";
  }
  return "unknown reason";
}

decoded_frame decode_frame(std::span<const char> bytes) {
  byte_reader in(bytes);
  if (in.left() == 0) return malformed_frame{"empty frame"};
  const auto kind = static_cast<frame_kind>(in.fixed<std::uint8_t>());
  switch (kind) {
  case frame_kind::hello:
    return read_hello(in);
  case frame_kind::welcome:
    return read_welcome(in);
  case frame_kind::confirm: {
    const confirm_frame confirm{read_position(in)};
    return checked(in, confirm);
  }
  case frame_kind::refuse:
    return read_refuse(in);
  case frame_kind::data:
  case frame_kind::goodbye:
    return read_numbered(in, kind);
  case frame_kind::ack: {
    ack_frame ack;
    ack.ack = in.fixed<std::uint64_t>();
    ack.credit = in.fixed<std::uint64_t>();
    return checked(in, ack);
  }
  case frame_kind::heartbeat:
    return read_heartbeat(in);
  }
  return malformed_frame{"unknown kind of frame"};
}

frame_ptr encode(const hello_frame& hello) {
  auto result = begin(frame_kind::hello);
  auto& out = result->bytes;
  put_fixed(out, limits::magic);
  put_fixed(out, hello.version_min);
  put_fixed(out, hello.version_max);
  put_fixed(out, hello.frame_bytes_max);
  put_self(out, hello.self);
  put_text(out, hello.wanted.name);
  put_fixed(out, hello.wanted.incarnation);
  return result;
}

frame_ptr encode(const welcome_frame& welcome) {
  auto result = begin(frame_kind::welcome);
  auto& out = result->bytes;
  put_fixed(out, limits::magic);
  put_fixed(out, welcome.version);
  put_fixed(out, welcome.frame_bytes_max);
  put_self(out, welcome.self);
  put_position(out, welcome.position);
  return result;
}

frame_ptr encode(const confirm_frame& confirm) {
  auto result = begin(frame_kind::confirm);
  put_position(result->bytes, confirm.position);
  return result;
}

frame_ptr encode(const refuse_frame& refuse) {
  auto result = begin(frame_kind::refuse);
  result->bytes.push_back(static_cast<char>(refuse.code));
  put_text(result->bytes, std::string_view{refuse.detail}.substr(0, limits::detail_bytes_max));
  return result;
}

frame_ptr encode(const ack_frame& ack) {
  auto result = begin(frame_kind::ack);
  put_fixed(result->bytes, ack.ack);
  put_fixed(result->bytes, ack.credit);
  return result;
}

frame_ptr encode(const heartbeat_frame& heartbeat) {
  auto result = begin(frame_kind::heartbeat);
  auto& out = result->bytes;
  put_fixed(out, heartbeat.ack);
  put_fixed(out, heartbeat.credit);
  put_fixed(out, heartbeat.sent);
  put_fixed(out, heartbeat.time_ns);
  put_fixed(out, heartbeat.echo_ns);
  put_fixed(out, heartbeat.echo_delay_ns);
  return result;
}

void begin_numbered(byte_buffer& out, frame_kind kind) {
  out.assign(limits::data_header_bytes, '\0');
  out[0] = static_cast<char>(kind);
}

void set_number(byte_buffer& out, std::uint64_t number) { put_fixed_at(out.data() + number_at, number); }
void set_ack(byte_buffer& out, std::uint64_t ack) { put_fixed_at(out.data() + ack_at, ack); }

} // namespace troupe::transport
