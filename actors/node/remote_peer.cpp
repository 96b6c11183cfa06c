#include "actors/node/remote_peer.hpp"

#include "actors/node/gateway.hpp"
#include "actors/node/remote_proxy.hpp"
#include "actors/runtime/thread_state.hpp"
#include "base/text.hpp"
#include "base/utf8.hpp"
#include "transport/frames/limits.hpp"
#include "transport/frames/node_name.hpp"

#include <algorithm>
#include <caf/all.hpp>
#include <caf/scheduler/abstract_coordinator.hpp>
#include <map>

namespace troupe {

using transport::envelope_header;
using transport::envelope_kind;
using transport::envelope_view;
using transport::send_result;

namespace {
/// Frames decoded before other work gets its turn on the thread.
constexpr std::size_t frames_a_turn = 8;
/// Actors of a peer whose end is remembered, for who still waits for them.
constexpr std::size_t ended_kept = 4096;
// Of one peer. docs/wire-payloads.md, section 7, has the same numbers.
constexpr std::size_t signature_name_bytes_max = 4096;
constexpr std::size_t signature_bytes_max = 1U << 20; ///< of all its signatures' names
constexpr std::size_t links_max = 131'072;            ///< between its actors and ours
constexpr std::size_t node_codecs_max = 16;
constexpr std::size_t complaints_max = 16; ///< kinds that are told

constinit thread_local remote_peer* decoded_now = nullptr;

/// What a message's payload holds besides its elements is read first: sender, stages.
template <class Reader>
caf::mailbox_element_ptr read_payload(Reader reader, const transport::envelope_header& header,
                                      const message_signature& signature, caf::strong_actor_ptr from,
                                      arrival_share share, caf::error& err) {
  message_catalog::arrival of{std::move(from), caf::message_id{header.request}, {}, std::move(share)};
  if ((header.flags & envelope_has_sender) != 0) err = reader.apply(of.sender);
  if (!err && (header.flags & envelope_has_stages) != 0) err = reader.apply(of.stages);
  if (err) return nullptr;
  return message_catalog::read(reader, signature, std::move(of), err);
}
} // namespace

template <class T>
caf::error remote_peer::read_control(const envelope_view& envelope, T& value) {
  auto& catalog = gateway_.context().catalog;
  if ((envelope.header.flags & envelope_is_msgpack) != 0)
    return msgpack_reader{envelope.payload, gateway_, catalog}.apply(value);
  return wire_reader{envelope.payload, gateway_, catalog}.apply(value);
}

void remote_peer::push(arrival what) {
  {
    std::lock_guard lock{arrivals_mutex_};
    arrivals_.push_back(std::move(what));
    if (std::exchange(scheduled_, true)) return;
  }
  gateway_.busy(+1);
  ref();
  gateway_.system().scheduler().enqueue(this);
}

void remote_peer::on_up(greeting theirs, payload_codec codec) {
  codec_.store(codec, std::memory_order_release);
  greeting_ = std::make_unique<greeting>(std::move(theirs));
  greeted_.store(greeting_.get(), std::memory_order_release);
}

void remote_peer::on_frame(transport::inbound_frame frame) { push(std::move(frame)); }

void remote_peer::on_down(transport::down_reason reason, std::string detail, std::uint64_t lost) {
  push(ending{reason, std::move(detail), lost});
}

caf::resumable::resume_result remote_peer::resume(caf::execution_unit* host, std::size_t) {
  gateway_.context().waits.decodes();
  for (std::size_t turn = 0; turn < frames_a_turn; ++turn) {
    std::unique_lock lock{arrivals_mutex_};
    if (arrivals_.empty()) {
      scheduled_ = false;
      lock.unlock();
      gateway_.busy(-1);
      return resumable::awaiting_message;
    }
    auto next = std::move(arrivals_.front());
    arrivals_.pop_front();
    lock.unlock();
    if (auto* frame = std::get_if<transport::inbound_frame>(&next)) {
      envelope_view envelope;
      decoded_now = this;
      while (frame->next(envelope))
        decode(envelope, host);
      decoded_now = nullptr;
    } else {
      end(std::get<ending>(next));
    }
  }
  return resumable::resume_later;
}

remote_peer* remote_peer::being_decoded() { return decoded_now; }

void remote_peer::exceed(const std::string& why) {
  if (!exceeded_.exchange(true)) gateway_.hub().cut_off(peer_, why);
}

void remote_peer::complain(const std::string& kind, const std::string& text) {
  if (complaints_.size() < complaints_max && complaints_.insert(kind).second)
    gateway_.warn("node " + peer_->identity().name + ' ' + printable(text));
  else
    ++complaints_untold_;
}

void remote_peer::decode(const envelope_view& envelope, caf::execution_unit* host) {
  // Who is about to be cut off has its messages booked, and nothing else done.
  if (exceeded_.load(std::memory_order_relaxed) && envelope.header.kind != envelope_kind::message) return;
  switch (envelope.header.kind) {
  case envelope_kind::message:
    return on_message(envelope, host);
  case envelope_kind::signature:
    return on_signature(envelope);
  case envelope_kind::watch:
    return on_watch(envelope);
  case envelope_kind::ended:
    return on_ended(envelope);
  case envelope_kind::link:
  case envelope_kind::unlink:
    return on_link(envelope);
  case envelope_kind::node:
    return on_node(envelope);
  case envelope_kind::bounce:
    return on_bounce(envelope);
  case envelope_kind::probe:
    return on_probe(envelope);
  case envelope_kind::report:
    return on_report(envelope);
  case envelope_kind::upload: // of visitors only, which have no link
  case envelope_kind::receipt:
    return;
  }
}

/// The place in the trace of a receiver that cannot be seen: plain CAF's, or one that has ended. Who
/// never was here has none, so that a peer cannot fill the table with what it made up.
trace::actor_index remote_peer::index_of_other(caf::actor_id id) const {
  auto& recorder = gateway_.context().recorder;
  return recorder.on() && id <= gateway_.system().latest_actor_id() ? recorder.add_actor(0, id, {}) : 0;
}

const remote_peer::local_receiver& remote_peer::receiver(caf::actor_id id) {
  auto& slot = receivers_[id % cached];
  if (slot.actor == nullptr || slot.actor->id() != id) {
    slot.actor = gateway_.local(id);
    auto* known = slot.actor != nullptr ? dynamic_cast<traceable*>(slot.actor->get()) : nullptr;
    slot.traced = known;
    slot.index = known != nullptr ? known->trace_index() : index_of_other(id);
  }
  return slot;
}

const caf::strong_actor_ptr& remote_peer::sender(caf::actor_id id) {
  static const caf::strong_actor_ptr none;
  if (id == 0) return none;
  auto& slot = senders_[id % cached];
  if (slot != nullptr && slot->id() == id) return slot;
  if (gateway_.is_full_of(node_, id)) {
    exceed("it has more actors that are known here than one node may have, "
           + std::to_string(remote_actors_max));
    return none;
  }
  return slot = gateway_.proxies().get_or_put(node_, id);
}

void remote_peer::on_message(const envelope_view& envelope, caf::execution_unit* host) {
  auto& context = gateway_.context();
  auto& header = envelope.header;
  context.books.remote_received();
  const announced_signature* announced =
      header.type < signatures_.size() ? &signatures_[header.type] : nullptr;
  if (announced == nullptr || announced->signature == nullptr) {
    const bool known = announced != nullptr && !announced->unknown.empty();
    drop_arrived(envelope, known ? trace::drop_reason::unknown_type : trace::drop_reason::malformed,
                 known ? announced->name : "?",
                 caf::make_error(caf::sec::unknown_type, known ? announced->unknown : "undefined signature"));
    return;
  }
  const auto& signature = *announced->signature;
  caf::error err;
  caf::strong_actor_ptr from;
  if ((header.flags & envelope_has_sender) == 0) from = sender(header.sender);
  const caf::message_id id{header.request};
  const auto& to = receiver(header.receiver);
  arrival_share share;
  if (to.traced != nullptr && !id.is_response()) { // who asked is owed its answer
    const auto bytes = envelope.payload.size() + arrival_overhead;
    if (!to.traced->arrivals().take(bytes, context.arrivals_bytes_max)) {
      drop_arrived(envelope, trace::drop_reason::queue_full, signature.name,
                   caf::make_error(caf::sec::runtime_error, "too much waits in the receiver's mailbox"));
      return;
    }
    share = {to.traced->arrivals(), bytes};
  }
  auto element = (header.flags & envelope_is_msgpack) != 0
                     ? read_payload(msgpack_reader{envelope.payload, gateway_, context.catalog}, header,
                                    signature, std::move(from), std::move(share), err)
                     : read_payload(wire_reader{envelope.payload, gateway_, context.catalog}, header,
                                    signature, std::move(from), std::move(share), err);
  if (err) {
    complain("decode " + signature.name,
             "sent a " + signature.name + " that does not decode: " + caf::to_string(err));
    drop_arrived(envelope, trace::drop_reason::malformed, signature.name, err);
    return;
  }
  if (id.is_response()) {
    std::lock_guard lock{pending_mutex_};
    pending_.erase({header.receiver, id.request_id().integer_value()});
  }
  auto& recorder = context.recorder;
  const auto index = to.index;
  trace::message_id number{};
  trace::timestamp arrived = 0;
  if (recorder.on()) {
    const auto* proxy =
        element->sender != nullptr ? dynamic_cast<traceable*>(element->sender->get()) : nullptr;
    number = number_for(header, index, proxy != nullptr ? proxy->trace_index() : 0, signature.traced_as);
    if (header.number == 0 && recorder.what() == trace::level::payloads && number.recorded())
      tracing::record_payload(context, number, *element);
    arrived = recorder.delivered(number, index, signature.traced_as,
                                 static_cast<std::uint32_t>(envelope.payload.size()), header.sent_at);
  }
  if (to.actor == nullptr) {
    tracing::dead_lettered(context, {number, index, signature.traced_as});
    if (id.is_request() && header.sender != 0)
      send_bounce(header.sender, id, caf::make_error(caf::sec::request_receiver_down));
    return;
  }
  if (to.traced == nullptr) {
    // An actor of plain CAF: its handling cannot be seen, so arriving counts as handled.
    context.books.handled();
    if (recorder.on()) recorder.handled(number, index, signature.traced_as, recorder.now());
  }
  const arrival_scope arrives{{true, number, arrived}};
  to.actor->enqueue(std::move(element), host);
}

/// A peer that keeps no trace numbers nothing: what it sends begins here, in our own words.
trace::message_id remote_peer::number_for(const transport::envelope_header& header, trace::actor_index to,
                                          trace::actor_index from, trace::string_index type) {
  auto& recorder = gateway_.context().recorder;
  if (header.sent_at != 0) recorder.observe(header.sent_at);
  if (header.number != 0) return trace::message_id::make(peer_->index(), header.number);
  const caf::message_id id{header.request};
  const auto role = id.is_response()  ? trace::message_role::response
                    : id.is_request() ? trace::message_role::request
                                      : trace::message_role::plain;
  return recorder.send({}, from, to, type, role).id;
}

void remote_peer::drop_arrived(const envelope_view& envelope, trace::drop_reason reason,
                               const std::string& type, caf::error err) {
  auto& context = gateway_.context();
  auto& recorder = context.recorder;
  auto& header = envelope.header;
  traced_element::stamp stamp;
  if (recorder.on()) {
    stamp.receiver = index_of_other(header.receiver);
    stamp.type = recorder.intern(type);
    trace::actor_index from = 0; // needed where it has no number that tells
    if (header.number == 0)
      if (const auto& proxy = sender(header.sender); proxy != nullptr)
        if (const auto* known = dynamic_cast<const traceable*>(proxy->get())) from = known->trace_index();
    stamp.id = number_for(header, stamp.receiver, from, stamp.type);
  }
  tracing::dropped(context, stamp, reason);
  const caf::message_id id{header.request};
  if (id.is_request() && header.sender != 0) send_bounce(header.sender, id, err);
  if (!id.is_response()) return;
  {
    std::lock_guard lock{pending_mutex_};
    pending_.erase({header.receiver, id.request_id().integer_value()});
  }
  if (auto asker = gateway_.local(header.receiver)) // who still waits for an answer
    asker->enqueue(nullptr, id, caf::make_message(std::move(err)), nullptr);
}

void remote_peer::on_signature(const envelope_view& envelope) {
  const auto number = envelope.header.type;
  if (number == 0 || number > signatures_max || envelope.payload.size() > signature_name_bytes_max)
    return exceed("it defines a signature outside of the limits");
  if (signatures_.size() <= number)
    signatures_.resize(std::max<std::size_t>(number + 1, signatures_.size() * 2));
  auto& slot = signatures_[number];
  signature_bytes_ += envelope.payload.size() - slot.name.size();
  if (signature_bytes_ > signature_bytes_max)
    return exceed("its signatures take more than " + std::to_string(signature_bytes_max) + " bytes");
  slot = {};
  slot.name.assign(envelope.payload.begin(), envelope.payload.end());
  std::vector<std::string_view> names;
  if (slot.name != "(empty)") {
    std::string_view rest = slot.name;
    while (true) {
      const auto plus = rest.find('+');
      names.push_back(rest.substr(0, plus));
      if (plus == std::string_view::npos) break;
      rest.remove_prefix(plus + 1);
    }
  }
  slot.signature = gateway_.context().catalog.find(names, slot.unknown);
  if (slot.signature == nullptr)
    complain("type " + slot.unknown, "uses message type " + slot.unknown.substr(0, type_name_bytes_max)
                                         + ", which is not known here");
}

void remote_peer::on_watch(const envelope_view& envelope) {
  const auto id = envelope.header.receiver;
  auto actor = gateway_.local(id);
  if (actor == nullptr) {
    send_ended(id, gateway_.why_ended(id));
    return;
  }
  {
    std::lock_guard lock{watched_mutex_};
    if (!watched_.insert(id).second) return; // it will be told once
  }
  actor->get()->attach_functor([self = remote_peer_ptr{this}, id](const caf::error& reason) {
    {
      std::lock_guard lock{self->watched_mutex_};
      self->watched_.erase(id);
    }
    self->send_ended(id, reason);
  });
}

void remote_peer::on_ended(const envelope_view& envelope) {
  caf::error reason;
  if (read_control(envelope, reason)) reason = caf::make_error(caf::exit_reason::unknown);
  senders_[envelope.header.sender % cached] = nullptr;
  links_.erase(links_.lower_bound({envelope.header.sender, 0}),
               links_.upper_bound({envelope.header.sender, ~caf::actor_id{0}}));
  {
    std::lock_guard lock{pending_mutex_};
    if (ended_actors_.insert(envelope.header.sender).second)
      ended_in_order_.push_back(envelope.header.sender);
    if (ended_in_order_.size() > ended_kept) {
      ended_actors_.erase(ended_in_order_.front());
      ended_in_order_.pop_front();
    }
  }
  gateway_.proxies().erase(node_, envelope.header.sender, std::move(reason));
}

bool remote_peer::has_ended(caf::actor_id id) {
  std::lock_guard lock{pending_mutex_};
  return ended_actors_.contains(id);
}

void remote_peer::unlink(const envelope_view& envelope) {
  const auto& header = envelope.header;
  links_.erase({header.sender, header.receiver});
  const auto proxy = gateway_.proxies().get(node_, header.sender);
  const auto local = gateway_.local(header.receiver);
  if (proxy != nullptr && local != nullptr)
    static_cast<remote_proxy&>(*proxy->get()).remove_link(local->get());
}

bool remote_peer::has_too_many_links() {
  if (links_.size() < links_max) return false;
  std::erase_if(links_, [this](const auto& each) { return gateway_.local(each.second) == nullptr; });
  return links_.size() >= links_max;
}

void remote_peer::on_link(const envelope_view& envelope) {
  const auto& header = envelope.header;
  if (header.kind == envelope_kind::unlink) return unlink(envelope);
  const auto& proxy = sender(header.sender);
  if (proxy == nullptr) return;
  auto& remote = static_cast<remote_proxy&>(*proxy->get());
  if (auto local = gateway_.local(header.receiver)) {
    if (has_too_many_links())
      return exceed("its actors are linked to those of this node more than " + std::to_string(links_max)
                    + " times");
    if (links_.emplace(header.sender, header.receiver).second) remote.add_link(local->get());
  } else {
    remote.enqueue(
        caf::make_mailbox_element(nullptr, caf::make_message_id(), {},
                                  caf::exit_msg{caf::actor_addr{}, gateway_.why_ended(header.receiver)}),
        nullptr);
  }
}

void remote_peer::on_node(const envelope_view& envelope) {
  transport::node_identity node;
  std::string endpoint;
  std::vector<int> codecs;
  auto record = std::tie(node.incarnation, node.name, endpoint, codecs);
  if (read_control(envelope, record) || node.incarnation == 0) return;
  if (transport::wrong_with_node_name(node.name) != nullptr
      || endpoint.size() > transport::limits::endpoint_bytes_max || codecs.size() > node_codecs_max)
    return exceed("it tells of a node that cannot be one");
  if (!gateway_.learned(node, endpoint, codecs, this))
    exceed("it tells of more nodes than this one keeps, " + std::to_string(known_nodes_max));
}

void remote_peer::on_bounce(const envelope_view& envelope) {
  caf::error why;
  if (auto err = read_control(envelope, why)) why = err;
  const caf::message_id request{envelope.header.request};
  {
    std::lock_guard lock{pending_mutex_};
    if (pending_.erase({envelope.header.receiver, request.request_id().integer_value()}) == 0) return;
  }
  if (!why) why = caf::make_error(caf::sec::request_receiver_down);
  if (auto requester = gateway_.local(envelope.header.receiver)) fail_request(requester, request, why);
}

void remote_peer::on_probe(const envelope_view& envelope) {
  if (gateway_.is_leaving()) return; // the goodbye is the answer
  const auto report = gateway_.look(true);
  std::vector<wait_edge> edges;
  if (envelope.header.type == 1) edges = gateway_.edges();
  send_report(envelope.header.request, report, edges);
}

void remote_peer::on_report(const envelope_view& envelope) {
  activity_report report;
  std::vector<wait_edge> edges;
  auto record = std::tie(report, edges);
  if (read_control(envelope, record)) return;
  gateway_.reported(peer_->identity(), envelope.header.request, report, edges, envelope.header.type == 0);
}

void remote_peer::drop_unacknowledged() {
  auto& context = gateway_.context();
  std::map<std::uint32_t, trace::string_index> types;
  for (auto& frame : peer_->take_unacknowledged()) {
    envelope_view envelope;
    while (frame.next(envelope)) {
      auto& header = envelope.header;
      if (header.kind != envelope_kind::message) continue;
      auto [type, fresh] = types.try_emplace(header.type, 0);
      if (fresh)
        if (const auto* signature = context.catalog.numbered(header.type))
          type->second = signature->traced_as;
      const auto to =
          context.recorder.on() ? context.recorder.add_actor(peer_->index(), header.receiver, {}) : 0;
      context.books.remote_sent(0 - std::uint64_t{1});
      tracing::dropped(context, {trace::message_id::make(0, header.number), to, type->second},
                       trace::drop_reason::peer_down);
    }
  }
}

void remote_peer::end(const ending& how) {
  // After a goodbye, and for peers that never came up, what is unacknowledged was
  // certainly not taken; after a crash nobody can know, and it stays open in the books. Who reads the
  // trace sees it by the reason with which the node went down.
  const bool certain = how.reason == transport::down_reason::left
                       || how.reason == transport::down_reason::unreachable
                       || how.reason == transport::down_reason::refused || greeted() == nullptr;
  if (certain && how.messages_lost != 0) drop_unacknowledged();
  std::set<std::pair<caf::actor_id, std::uint64_t>> unanswered;
  {
    std::lock_guard lock{pending_mutex_};
    ended_ = true;
    unanswered.swap(pending_);
  }
  senders_.fill(nullptr);
  // Before any actor hears of it: what they do about it then finds it known.
  gateway_.peer_has_ended(*this, how.reason, how.detail);
  gateway_.proxies().erase(node_);
  const auto why = caf::make_error(caf::exit_reason::remote_link_unreachable);
  for (auto& [requester, request] : unanswered)
    if (auto actor = gateway_.local(requester))
      fail_request(actor, caf::message_id{request}.with_normal_priority(), why);
  receivers_.fill({});
  links_.clear();
  if (complaints_untold_ != 0)
    gateway_.warn("node " + peer_->identity().name + " gave " + std::to_string(complaints_untold_)
                  + " more reasons to complain");
}

// -- outbound: messages of actors and control records towards the peer --------------------------

remote_peer::remote_peer(gateway& owner, transport::peer_ptr peer, caf::node_id node, payload_codec codec)
    : gateway_(owner), peer_(std::move(peer)), node_(std::move(node)), codec_(codec),
      announced_(new std::atomic<announcement>[signatures_max + 1] {}) {}

remote_peer::~remote_peer() = default;

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

std::uint8_t remote_peer::codec_flag() const {
  return codec_.load(std::memory_order_acquire) == payload_codec::binary ? 0 : envelope_is_msgpack;
}

template <class T>
bool remote_peer::write_control(std::uint8_t flags, transport::byte_buffer& out, T& value) {
  auto& catalog = gateway_.context().catalog;
  if ((flags & envelope_is_msgpack) != 0) return !msgpack_writer{out, gateway_, catalog}.apply(value);
  return !wire_writer{out, gateway_, catalog}.apply(value);
}

remote_peer::announcement remote_peer::announce(const message_signature& signature, std::string& unknown,
                                                bool& told, std::optional<transport::send_burst>& together) {
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

void remote_peer::forward(remote_proxy& to, caf::mailbox_element_ptr what) {
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

void remote_peer::refuse(const remote_proxy& to, caf::mailbox_element& what, trace::drop_reason reason,
                         const traced_element::stamp& stamp, caf::error err) {
  tracing::dropped(gateway_.context(), stamp, reason);
  if (what.mid.is_response()) // who asked still waits for an answer
    send_bounce(to.id(), request_of(what.mid), err);
  else
    fail_request(what.sender, what.mid, std::move(err));
}

void remote_peer::export_local(const caf::strong_actor_ptr& actor) { gateway_.export_handle(actor); }

void remote_peer::send_watch(caf::actor_id remote) {
  peer_->send({.kind = envelope_kind::watch, .receiver = remote},
              [](transport::byte_buffer&) { return true; });
}

void remote_peer::send_ended(caf::actor_id local, const caf::error& reason) {
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

void remote_peer::send_link(caf::actor_id local, caf::actor_id remote, envelope_kind kind) {
  peer_->send({.kind = kind, .sender = local, .receiver = remote},
              [](transport::byte_buffer&) { return true; });
}

void remote_peer::send_bounce(caf::actor_id requester, caf::message_id request, const caf::error& why) {
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

void remote_peer::send_probe(std::uint64_t round, bool with_edges) {
  peer_->send({.kind = envelope_kind::probe, .request = round, .type = with_edges ? 1U : 0U},
              [](transport::byte_buffer&) { return true; });
}

void remote_peer::send_report(std::uint64_t round, const activity_report& report,
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

void remote_peer::tell_ways(std::optional<transport::send_burst>& together) {
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
