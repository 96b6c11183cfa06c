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
// Of one peer. docs/wire-payloads.md, section 7, has the same numbers.
constexpr std::size_t links_max = 131'072; ///< between its actors and ours
constexpr std::size_t node_codecs_max = 16;
constexpr std::size_t complaints_max = 16; ///< kinds that are told

constinit thread_local remote_peer* decoded_now = nullptr;

} // namespace

template <class T>
caf::error remote_peer::read_control(const envelope_view& envelope, T& value) {
  return gateway_.payloads().read(codec_of(envelope.header), envelope.payload,
                                  [&](auto& reader) { return reader.apply(value); });
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
  const auto* type = find_type(envelope);
  if (type == nullptr) return;
  const auto& to = receiver(header.receiver);
  auto room = take_room(to, envelope, *type);
  if (!room) return;
  auto element = read_message(envelope, *type, std::move(*room));
  if (element == nullptr) return;
  const caf::message_id id{header.request};
  if (id.is_response()) open_requests_.remove(open_requests::of(header.receiver, id));
  const auto stamp = record_arrival(envelope, *type, to, *element);
  if (to.actor == nullptr) {
    tracing::dead_lettered(context, stamp);
    if (id.is_request() && header.sender != 0)
      send_bounce(header.sender, id, caf::make_error(caf::sec::request_receiver_down));
    return;
  }
  if (to.traced == nullptr) {
    // An actor of plain CAF: its handling cannot be seen, so arriving counts as handled.
    context.books.handled();
    auto& recorder = context.recorder;
    if (recorder.on()) recorder.handled(stamp.id, stamp.receiver, stamp.type, recorder.now());
  }
  const arrival_scope arrives{{true, stamp.id, stamp.when}};
  to.actor->enqueue(std::move(element), host);
}

const message_signature* remote_peer::find_type(const envelope_view& envelope) {
  const auto& announced = types_[envelope.header.type];
  if (announced.signature != nullptr) return announced.signature;
  if (announced.unknown.empty())
    drop_arrived(envelope, trace::drop_reason::malformed, "?",
                 caf::make_error(caf::sec::unknown_type, "undefined signature"));
  else
    drop_arrived(envelope, trace::drop_reason::unknown_type, announced.name,
                 caf::make_error(caf::sec::unknown_type, announced.unknown));
  return nullptr;
}

/// Room in the receiver's mailbox. Who asked is owed its answer, and plain CAF's actors count nothing.
std::optional<arrival_share> remote_peer::take_room(const local_receiver& to, const envelope_view& envelope,
                                                    const message_signature& type) {
  if (to.traced == nullptr || caf::message_id{envelope.header.request}.is_response()) return arrival_share{};
  const auto bytes = envelope.payload.size() + arrival_overhead;
  if (to.traced->arrivals().take(bytes, gateway_.context().arrivals_bytes_max))
    return arrival_share{to.traced->arrivals(), bytes};
  drop_arrived(envelope, trace::drop_reason::queue_full, type.name,
               caf::make_error(caf::sec::runtime_error, "too much waits in the receiver's mailbox"));
  return std::nullopt;
}

/// What a message's payload holds besides its elements is read first: sender, stages.
caf::mailbox_element_ptr remote_peer::read_message(const envelope_view& envelope,
                                                   const message_signature& type, arrival_share room) {
  auto& header = envelope.header;
  message_catalog::arrival of{{}, caf::message_id{header.request}, {}, std::move(room)};
  if ((header.flags & envelope_has_sender) == 0) of.sender = sender(header.sender);
  caf::error err;
  auto element = gateway_.payloads().read(
      codec_of(header), envelope.payload, [&](auto& reader) -> caf::mailbox_element_ptr {
        if ((header.flags & envelope_has_sender) != 0) err = reader.apply(of.sender);
        if (!err && (header.flags & envelope_has_stages) != 0) err = reader.apply(of.stages);
        return err ? nullptr : message_catalog::read(reader, type, std::move(of), err);
      });
  if (element == nullptr) {
    complain("decode " + type.name, "sent a " + type.name + " that does not decode: " + caf::to_string(err));
    drop_arrived(envelope, trace::drop_reason::malformed, type.name, err);
  }
  return element;
}

/// What it is called in the trace; where none is kept, only the type.
traced_element::stamp remote_peer::record_arrival(const envelope_view& envelope,
                                                  const message_signature& type, const local_receiver& to,
                                                  const caf::mailbox_element& element) {
  auto& context = gateway_.context();
  auto& recorder = context.recorder;
  traced_element::stamp stamp{{}, to.index, type.traced_as};
  if (!recorder.on()) return stamp;
  auto& header = envelope.header;
  const auto* from = element.sender != nullptr ? dynamic_cast<traceable*>(element.sender->get()) : nullptr;
  stamp.id = number_for(header, to.index, from != nullptr ? from->trace_index() : 0, type.traced_as);
  if (header.number == 0 && recorder.what() == trace::level::payloads && stamp.id.recorded())
    tracing::record_payload(context, stamp.id, element);
  stamp.when = recorder.delivered(stamp.id, to.index, type.traced_as,
                                  static_cast<std::uint32_t>(envelope.payload.size()), header.sent_at);
  return stamp;
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
  open_requests_.remove(open_requests::of(header.receiver, id));
  if (auto asker = gateway_.local(header.receiver)) // who still waits for an answer
    asker->enqueue(nullptr, id, message_with(std::move(err)), nullptr);
}

void remote_peer::on_signature(const envelope_view& envelope) {
  const auto number = envelope.header.type;
  if (const auto why = types_.define(number, envelope.payload); !why.empty()) return exceed(why);
  const auto& announced = types_[number];
  if (announced.signature == nullptr)
    complain("type " + announced.unknown, "uses message type "
                                              + announced.unknown.substr(0, type_name_bytes_max)
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
  ended_actors_.add(envelope.header.sender);
  gateway_.proxies().erase(node_, envelope.header.sender, std::move(reason));
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
  if (!open_requests_.remove(open_requests::of(envelope.header.receiver, request))) return;
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
  const auto unanswered = open_requests_.end();
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
      announced_(new std::atomic<announcement>[signatures_max + 1] {}), types_(owner.context().catalog) {}

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

} // namespace

template <class T>
send_result remote_peer::send_control(envelope_header header, T& value) {
  const auto codec = this->codec();
  header.flags |= flag_of(codec);
  return peer_->send(header, [&](transport::byte_buffer& out) {
    return !gateway_.payloads().write(codec, out, [&](auto& writer) { return writer.apply(value); });
  });
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
  const auto codec = this->codec();
  if (codec == payload_codec::none) {
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
  header.flags = flag_of(codec);
  if (elsewhere) header.flags |= envelope_has_sender;
  if (!what->stages.empty()) header.flags |= envelope_has_stages;
  const bool waits = what->mid.is_request() && from.id != 0 && !elsewhere;
  const auto request = open_requests::of(from.id, what->mid);
  const bool tracked = waits && open_requests_.add(request);
  caf::error problem;
  std::size_t bytes = 0;
  context.books.remote_sent(); // before it is, so that a kill in between loses it rather than inventing it
  const auto result = peer_->send(header, [&](transport::byte_buffer& out) {
    const auto before = out.size();
    problem = gateway_.payloads().write(codec, out, [&](auto& writer) -> caf::error {
      if (elsewhere)
        if (auto err = writer.apply(what->sender)) return err;
      if (!what->stages.empty())
        if (auto err = writer.apply(what->stages)) return err;
      return message_catalog::write(writer, signature, what->content());
    });
    bytes = out.size() - before;
    return !problem;
  });
  if (result == send_result::ok) return;
  context.books.remote_sent(0 - std::uint64_t{1});
  // By end(), which saw the request in the list.
  const bool answered = waits && !open_requests_.remove(request) && tracked;
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
  auto write = [&](const caf::error& what) {
    return send_control({.kind = envelope_kind::ended, .sender = local}, what);
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
  auto write = [&](const caf::error& what) {
    return send_control(
        {.kind = envelope_kind::bounce, .receiver = requester, .request = request.integer_value()}, what);
  };
  if (asks_for_less(write(why))) write(without_context(why));
}

void remote_peer::send_probe(std::uint64_t round, bool with_edges) {
  peer_->send({.kind = envelope_kind::probe, .request = round, .type = with_edges ? 1U : 0U},
              [](transport::byte_buffer&) { return true; });
}

void remote_peer::send_report(std::uint64_t round, const activity_report& report,
                              const std::vector<wait_edge>& edges) {
  // Names have wait_name_bytes_max, so that a part is well below what a control record may have.
  constexpr std::size_t edges_in_a_part = 200;
  std::size_t told = 0;
  do {
    const auto end = std::min(told + edges_in_a_part, edges.size());
    const std::vector<wait_edge> part(edges.begin() + static_cast<std::ptrdiff_t>(told),
                                      edges.begin() + static_cast<std::ptrdiff_t>(end));
    told = end;
    const auto record = std::tie(report, part);
    send_control({.kind = envelope_kind::report, .request = round, .type = told < edges.size() ? 1U : 0U},
                 record);
  } while (told < edges.size());
}

void remote_peer::tell_ways(std::optional<transport::send_burst>& together) {
  if (ways_told_.load(std::memory_order_acquire) >= gateway_.ways_known()) return;
  const std::lock_guard lock{telling_ways_};
  std::vector<known_node> fresh;
  const auto known = gateway_.ways_since(ways_told_.load(std::memory_order_relaxed), *this, fresh);
  if (!fresh.empty() && !together) together.emplace();
  for (auto& node : fresh) {
    const auto record = std::tie(node.identity.incarnation, node.identity.name, node.endpoint, node.codecs);
    send_control({.kind = envelope_kind::node}, record);
  }
  ways_told_.store(known, std::memory_order_release);
}

} // namespace troupe
