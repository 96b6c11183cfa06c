// The outbound half of a link: actor messages and control records towards one peer.
#include "actors/node/gateway.hpp"
#include "actors/node/remote_proxy.hpp"
#include "base/text.hpp"

#include <caf/all.hpp>

namespace troupe {

using transport::envelope_header;
using transport::envelope_kind;
using transport::send_result;

link::link(gateway& owner, transport::peer_ptr peer, caf::node_id node, payload_codec codec)
    : gateway_(owner), peer_(std::move(peer)), node_(std::move(node)), codec_(codec),
      announced_(new std::atomic<announcement>[signatures_max + 1] {}) {}

link::~link() = default;

namespace {

trace::drop_reason why_dropped(send_result result) {
  switch (result) {
  case send_result::too_large:
    return trace::drop_reason::too_large;
  case send_result::queue_full:
    return trace::drop_reason::queue_full;
  case send_result::peer_down:
    return trace::drop_reason::peer_down;
  case send_result::ok:
  case send_result::encode_failed:
    break;
  }
  return trace::drop_reason::not_serializable;
}

/// Why a message is not sent to a peer.
struct refusal {
  trace::drop_reason reason;
  const std::string& type;
  std::size_t bytes; ///< of its payload
};

caf::error as_error(const refusal& what, const transport::peer& to, const caf::error& inner) {
  const auto& peer = to.identity().name;
  switch (what.reason) {
  case trace::drop_reason::peer_down:
    return caf::make_error(caf::exit_reason::remote_link_unreachable);
  case trace::drop_reason::too_large:
    return caf::make_error(caf::sec::runtime_error,
                           "message " + what.type + " of " + counted(what.bytes, "byte")
                               + " is too large for the link to node " + peer + ", which takes "
                               + counted(to.payload_bytes_max(), "byte")
                               + "; message_max under [topology] says how many");
  case trace::drop_reason::queue_full:
    return caf::make_error(caf::sec::runtime_error, "the queue of the link to " + peer + " is full");
  default:
    return caf::make_error(caf::sec::unknown_type,
                           inner == caf::sec::unknown_type
                               ? sentence_of(inner) // of a message inside of this one
                               : "message " + what.type + " cannot be written: " + sentence_of(inner));
  }
}

/// A control record was not taken, but could be if it were shorter and simpler.
bool asks_for_less(send_result result) {
  return result == send_result::encode_failed || result == send_result::too_large;
}
caf::error without_context(const caf::error& x) { return x ? caf::error{x.code(), x.category()} : x; }

/// What a response answers, as its asker sent it.
caf::message_id request_of(caf::message_id response) {
  constexpr auto flags = caf::message_id::response_flag_mask | caf::message_id::answered_flag_mask;
  return caf::message_id{response.integer_value() & ~flags};
}

/// The payload of an actor message, in the writer's codec.
template <class Writer>
caf::error write_payload(Writer writer, const envelope_header& header, const message_signature& signature,
                         caf::mailbox_element& what) {
  if ((header.flags & envelope_has_sender) != 0)
    if (auto err = writer.apply(what.sender)) return err;
  if ((header.flags & envelope_has_stages) != 0)
    if (auto err = writer.apply(what.stages)) return err;
  return message_catalog::write(writer, signature, what.content());
}

} // namespace

std::uint8_t link::codec_flag() const {
  return codec_.load(std::memory_order_acquire) == payload_codec::binary ? 0 : envelope_is_msgpack;
}

template <class T>
bool link::write_control(std::uint8_t flags, transport::byte_buffer& out, T& value) {
  auto& catalog = gateway_.context().catalog;
  if ((flags & envelope_is_msgpack) != 0) return !msgpack_writer{out, gateway_, catalog}.apply(value);
  return !wire_writer{out, gateway_, catalog}.apply(value);
}

link::announcement link::announce(const message_signature& signature, std::string& unknown, bool& told,
                                  std::optional<transport::send_burst>& together) {
  auto& state = announced_[signature.number];
  auto known = state.load(std::memory_order_acquire);
  if (known == announcement::made) return known;
  std::lock_guard lock{announcing_};
  known = state.load(std::memory_order_relaxed);
  if (known == announcement::made) return known;
  if (auto* theirs = greeted()) {
    for (auto* element : signature.elements)
      if (!theirs->types.contains(element->name)) unknown = element->name;
    if (!unknown.empty()) {
      told = state.exchange(announcement::refused, std::memory_order_acq_rel) == announcement::refused;
      return announcement::refused;
    }
  }
  // This would use up the direct way to a peer that waits for an answer.
  if (!together) together.emplace();
  envelope_header header{.kind = envelope_kind::signature, .type = signature.number};
  peer_->send(header, [&](transport::byte_buffer& out) {
    out.insert(out.end(), signature.name.begin(), signature.name.end());
    return true;
  });
  state.store(announcement::made, std::memory_order_release);
  return announcement::made;
}

void link::forward(remote_proxy& to, caf::mailbox_element_ptr what) {
  auto& context = gateway_.context();
  const auto& signature = context.catalog.of(what->content());
  const auto stamp = tracing::stamp_of(context, to.trace_index(), {peer_->identity().incarnation, to.id()},
                                       *what, signature.traced_as);
  if (!signature.why_local.empty()) {
    if (signature.unregistered)
      gateway_.mistake(signature.why_local);
    else
      gateway_.warn("cannot send to node " + peer_->identity().name + ": " + signature.why_local);
    refuse(to, *what, trace::drop_reason::not_serializable, stamp,
           caf::make_error(caf::sec::unknown_type, signature.why_local));
    return;
  }
  if (codec_.load(std::memory_order_acquire) == payload_codec::none) {
    refuse(to, *what, trace::drop_reason::not_serializable, stamp,
           caf::make_error(caf::sec::unknown_type, "node " + peer_->identity().name
                                                       + " reads no payload codec that this node writes"));
    return;
  }
  std::string unknown;
  std::optional<transport::send_burst> together;
  tell_ways(together);
  bool told = false;
  if (announce(signature, unknown, told, together) == announcement::refused) {
    const auto why = "node " + peer_->identity().name + " does not know message type " + unknown;
    if (!told) gateway_.warn(why);
    refuse(to, *what, trace::drop_reason::unknown_type, stamp, caf::make_error(caf::sec::unknown_type, why));
    return;
  }
  envelope_header header{.kind = envelope_kind::message,
                         .receiver = to.id(),
                         .request = what->mid.integer_value(),
                         .type = signature.number,
                         .number = stamp.id.number()};
  if (context.recorder.on()) header.sent_at = context.recorder.now();
  const auto from = gateway_.export_handle(what->sender);
  const bool elsewhere = from.id != 0 && from.incarnation != gateway_.incarnation();
  header.sender = elsewhere ? 0 : from.id;
  header.flags = codec_flag();
  if (elsewhere) header.flags |= envelope_has_sender;
  if (!what->stages.empty()) header.flags |= envelope_has_stages;
  const bool waits = what->mid.is_request() && from.id != 0 && !elsewhere;
  const std::pair<caf::actor_id, std::uint64_t> request{from.id, what->mid.request_id().integer_value()};
  bool tracked = false;
  if (waits) {
    std::lock_guard lock{pending_mutex_};
    tracked = !ended_ && pending_.insert(request).second;
  }
  caf::error problem;
  std::size_t bytes = 0;
  context.books.remote_sent(); // before it is, so that a kill in between loses it rather than inventing it
  const auto result = peer_->send(header, [&](transport::byte_buffer& out) {
    const auto before = out.size();
    problem = (header.flags & envelope_is_msgpack) != 0
                  ? write_payload(msgpack_writer{out, gateway_, context.catalog}, header, signature, *what)
                  : write_payload(wire_writer{out, gateway_, context.catalog}, header, signature, *what);
    bytes = out.size() - before;
    return !problem;
  });
  if (result == send_result::ok) return;
  context.books.remote_sent(0 - std::uint64_t{1});
  bool answered = false; // by end(), which saw the request in the list
  if (waits) {
    std::lock_guard lock{pending_mutex_};
    answered = pending_.erase(request) == 0 && tracked;
  }
  const auto reason = why_dropped(result);
  auto err = as_error({reason, signature.name, bytes}, *peer_, problem);
  if (reason == trace::drop_reason::not_serializable)
    gateway_.mistake(sentence_of(err));
  else if (reason != trace::drop_reason::peer_down)
    gateway_.warn("not sent: " + sentence_of(err));
  if (answered) what->mid = caf::make_message_id();
  refuse(to, *what, reason, stamp, std::move(err));
}

void link::refuse(const remote_proxy& to, caf::mailbox_element& what, trace::drop_reason reason,
                  const traced_element::stamp& stamp, caf::error err) {
  tracing::dropped(gateway_.context(), stamp, reason);
  if (what.mid.is_response()) // who asked still waits for an answer
    send_bounce(to.id(), request_of(what.mid), err);
  else
    fail_request(what.sender, what.mid, std::move(err));
}

void link::export_local(const caf::strong_actor_ptr& actor) { gateway_.export_handle(actor); }

void link::send_watch(caf::actor_id remote) {
  peer_->send({.kind = envelope_kind::watch, .receiver = remote},
              [](transport::byte_buffer&) { return true; });
}

void link::send_ended(caf::actor_id local, const caf::error& reason) {
  std::optional<transport::send_burst> together;
  tell_ways(together);
  const auto flags = codec_flag();
  auto write = [&](const caf::error& what) {
    return peer_->send({.kind = envelope_kind::ended, .flags = flags, .sender = local},
                       [&](transport::byte_buffer& out) { return write_control(flags, out, what); });
  };
  // A reason whose context is local-only or too large still arrives, as its code.
  if (asks_for_less(write(reason))) write(without_context(reason));
}

void link::send_link(caf::actor_id local, caf::actor_id remote, envelope_kind kind) {
  peer_->send({.kind = kind, .sender = local, .receiver = remote},
              [](transport::byte_buffer&) { return true; });
}

void link::send_bounce(caf::actor_id requester, caf::message_id request, const caf::error& why) {
  std::optional<transport::send_burst> together;
  tell_ways(together);
  const auto flags = codec_flag();
  auto write = [&](const caf::error& what) {
    return peer_->send({.kind = envelope_kind::bounce,
                        .flags = flags,
                        .receiver = requester,
                        .request = request.integer_value()},
                       [&](transport::byte_buffer& out) { return write_control(flags, out, what); });
  };
  if (asks_for_less(write(why))) write(without_context(why));
}

void link::send_probe(std::uint64_t round, bool with_edges) {
  peer_->send({.kind = envelope_kind::probe, .request = round, .type = with_edges ? 1U : 0U},
              [](transport::byte_buffer&) { return true; });
}

void link::send_report(std::uint64_t round, const activity_report& report,
                       const std::vector<wait_edge>& edges) {
  const auto flags = codec_flag();
  // Names have wait_name_bytes_max, so that a part is well below what a control record may have.
  constexpr std::size_t edges_in_a_part = 200;
  std::size_t told = 0;
  do {
    const auto end = std::min(told + edges_in_a_part, edges.size());
    const std::vector<wait_edge> part(edges.begin() + static_cast<std::ptrdiff_t>(told),
                                      edges.begin() + static_cast<std::ptrdiff_t>(end));
    told = end;
    const auto record = std::tie(report, part);
    peer_->send({.kind = envelope_kind::report,
                 .flags = flags,
                 .request = round,
                 .type = told < edges.size() ? 1U : 0U},
                [&](transport::byte_buffer& out) { return write_control(flags, out, record); });
  } while (told < edges.size());
}

void link::tell_ways(std::optional<transport::send_burst>& together) {
  if (ways_told_.load(std::memory_order_acquire) >= gateway_.ways_known()) return;
  const std::lock_guard lock{telling_ways_};
  std::vector<known_node> fresh;
  const auto known = gateway_.ways_since(ways_told_.load(std::memory_order_relaxed), *this, fresh);
  if (!fresh.empty() && !together) together.emplace();
  const auto flags = codec_flag();
  for (auto& node : fresh) {
    const auto record = std::tie(node.identity.incarnation, node.identity.name, node.endpoint, node.codecs);
    peer_->send({.kind = envelope_kind::node, .flags = flags},
                [&](transport::byte_buffer& out) { return write_control(flags, out, record); });
  }
  ways_told_.store(known, std::memory_order_release);
}

} // namespace troupe
