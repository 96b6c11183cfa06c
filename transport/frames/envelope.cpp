#include "transport/frames/envelope.hpp"

#include "transport/frames/bytes.hpp"

namespace troupe::transport {

namespace {

// The first byte of an envelope: its kind in the low half, what follows in the high one.
constexpr unsigned kind_mask = 0x0f;
constexpr unsigned has_sender = 0x10;
constexpr unsigned has_request = 0x20;
constexpr unsigned has_trace = 0x40;
constexpr unsigned has_flags = 0x80;

const char* read_head(byte_reader& in, envelope_header& out, envelope_context& context) {
  const unsigned first = in.fixed<std::uint8_t>();
  if (!is_known_kind(first & kind_mask)) return "unknown kind of envelope";
  out.kind = static_cast<envelope_kind>(first & kind_mask);
  out.flags = (first & has_flags) != 0 ? in.fixed<std::uint8_t>() : std::uint8_t{0};
  out.sender = (first & has_sender) != 0 ? in.varint() : 0;
  out.receiver = in.varint();
  out.request = (first & has_request) != 0 ? in.varint() : 0;
  out.type = static_cast<std::uint32_t>(in.varint_at_most(limits::type_index_max));
  out.number = 0;
  out.sent_at = 0;
  if ((first & has_trace) != 0) {
    out.number = context.number += unzigzag(in.varint());
    out.sent_at = context.sent_at += unzigzag(in.varint());
  }
  return in.ok() ? nullptr : "envelope header is cut short or out of range";
}

} // namespace

std::size_t begin_envelope(byte_buffer& out, const envelope_header& header, envelope_context& context) {
  const bool traced = header.number != 0 || header.sent_at != 0;
  char raw[limits::envelope_length_bytes + limits::envelope_header_bytes_max];
  char* at = raw;
  at += limits::envelope_length_bytes;
  *at++ = static_cast<char>(static_cast<unsigned>(header.kind) | (header.sender != 0 ? has_sender : 0U)
                            | (header.request != 0 ? has_request : 0U) | (traced ? has_trace : 0U)
                            | (header.flags != 0 ? has_flags : 0U));
  if (header.flags != 0) *at++ = static_cast<char>(header.flags);
  if (header.sender != 0) at = put_varint_at(at, header.sender);
  at = put_varint_at(at, header.receiver);
  if (header.request != 0) at = put_varint_at(at, header.request);
  at = put_varint_at(at, header.type);
  if (traced) {
    at = put_varint_at(at, zigzag(header.number - context.number));
    at = put_varint_at(at, zigzag(header.sent_at - context.sent_at));
    context = {header.number, header.sent_at};
  }
  const auto begin = out.size();
  out.insert(out.end(), raw, at);
  return begin;
}

void finish_envelope(byte_buffer& out, std::size_t begin) {
  put_fixed_at(out.data() + begin,
               static_cast<std::uint32_t>(out.size() - begin - limits::envelope_length_bytes));
}

const char* read_envelope(std::span<const char>& bytes, envelope_view& out, envelope_context& context) {
  byte_reader outer(bytes);
  const auto length = outer.fixed<std::uint32_t>();
  const auto body = outer.bytes(length);
  if (!outer.ok()) return "envelope is longer than its frame";
  byte_reader in(body);
  if (const auto* wrong = read_head(in, out.header, context)) return wrong;
  out.payload = {in.position(), in.left()};
  if (out.header.kind != envelope_kind::message && out.payload.size() > limits::control_payload_bytes_max)
    return "control record is too long";
  bytes = bytes.subspan(limits::envelope_length_bytes + length);
  return nullptr;
}

const char* check_envelopes(std::span<const char> bytes) {
  if (bytes.empty()) return "data frame without an envelope";
  envelope_context context;
  envelope_view view;
  while (!bytes.empty())
    if (const auto* wrong = read_envelope(bytes, view, context)) return wrong;
  return nullptr;
}

} // namespace troupe::transport
