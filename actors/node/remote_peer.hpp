// The gateway's side of one peer: what was announced to it, what it announced, who
// waits for an answer from it, and the queue in which its frames are decoded.
#pragma once

#include "actors/codec/payload_codec.hpp"
#include "actors/node/announced_types.hpp"
#include "actors/node/ended_actors.hpp"
#include "actors/node/greeting.hpp"
#include "actors/node/open_requests.hpp"
#include "actors/runtime/traced_element.hpp"
#include "transport/hub/hub.hpp"
#include "transport/session/send_burst.hpp"

#include <caf/ref_counted.hpp>
#include <caf/resumable.hpp>

#include <atomic>
#include <deque>
#include <optional>
#include <set>
#include <variant>

namespace troupe {

class gateway;
class remote_proxy;
class traceable;

/// Flags of an envelope that the gateways agree on (transport hands them through).
inline constexpr std::uint8_t envelope_has_stages = 1; ///< payload starts with forwarding handles
inline constexpr std::uint8_t envelope_has_sender = 2; ///< payload starts with the sender's full address
inline constexpr std::uint8_t envelope_is_msgpack = 4; ///< payload is in codec 1; without it in codec 0

constexpr payload_codec codec_of(const transport::envelope_header& header) {
  return (header.flags & envelope_is_msgpack) != 0 ? payload_codec::msgpack : payload_codec::binary;
}
constexpr std::uint8_t flag_of(payload_codec codec) {
  return codec == payload_codec::binary ? 0 : envelope_is_msgpack;
}

/// Outbound: any thread. Inbound: pushed by the I/O thread, decoded in order by one
/// thread of the scheduler at a time. Reference-counted because the scheduler holds it.
class remote_peer final : public caf::ref_counted, public caf::resumable {
 public:
  /// `codec` is the one for what is sent before the peer is up.
  remote_peer(gateway&, transport::peer_ptr, caf::node_id, payload_codec);

  const transport::peer_ptr& peer() const { return peer_; }
  const caf::node_id& node() const { return node_; }
  /// The peer's greeting; null before it is up.
  const greeting* greeted() const { return greeted_.load(std::memory_order_acquire); }

  // -- outbound ----------------------------------------------------------------
  /// Sends one actor message, or books why not and tells the sender of a request.
  void forward(remote_proxy& to, caf::mailbox_element_ptr);
  void send_watch(caf::actor_id remote);
  void send_ended(caf::actor_id local, const caf::error& reason);
  void send_link(caf::actor_id local, caf::actor_id remote, transport::envelope_kind link_or_unlink);
  void send_bounce(caf::actor_id requester, caf::message_id request, const caf::error&);
  void send_probe(std::uint64_t round, bool with_edges);
  /// Round 0: these are the final books of this node, which is about to say goodbye.
  /// In as many parts as it takes.
  void send_report(std::uint64_t round, const activity_report&, const std::vector<wait_edge>&);
  void export_local(const caf::strong_actor_ptr&);
  /// The peer told that this actor of its has ended, not too long ago. Thread-safe.
  bool has_ended(caf::actor_id id) const { return ended_actors_.contains(id); }

  /// The peer has more of something than one may have: it is cut off, once, and both sides log why.
  void exceed(const std::string& why);
  /// The link whose frame the calling thread decodes; null: none.
  static remote_peer* being_decoded();

  // -- inbound, called on the I/O thread -----------------------------------------
  void on_up(greeting, payload_codec);
  void on_frame(transport::inbound_frame);
  void on_down(transport::down_reason, std::string detail, std::uint64_t messages_lost);

  // -- caf::resumable --------------------------------------------------------------
  subtype_t subtype() const override { return resumable::function_object; }
  resume_result resume(caf::execution_unit*, std::size_t max_throughput) override;
  void intrusive_ptr_add_ref_impl() override { ref(); }
  void intrusive_ptr_release_impl() override { deref(); }

 private:
  enum class announcement : std::uint8_t { none, made, refused };
  struct ending {
    transport::down_reason reason;
    std::string detail;
    std::uint64_t messages_lost;
  };
  using arrival = std::variant<transport::inbound_frame, ending>;
  struct local_receiver {
    caf::strong_actor_ptr actor;
    traceable* traced = nullptr; ///< null: an actor of plain CAF
    trace::actor_index index = 0;
  };

  ~remote_peer() override;
  void push(arrival);
  /// Before anything that may hold a handle of a third node: where the nodes are that this peer has not been
  /// told of. Not as soon as they are known, since then each that joins a large run would wake all others.
  void tell_ways(std::optional<transport::send_burst>& together);
  /// Where the type is still to be announced, begins `together`, so that the message leaves with that.
  /// `told`: that it was refused for this type was so before.
  announcement announce(const message_signature&, std::string& unknown, bool& told,
                        std::optional<transport::send_burst>& together);
  void refuse(const remote_proxy& to, caf::mailbox_element&, trace::drop_reason, const traced_element::stamp&,
              caf::error);
  payload_codec codec() const { return codec_.load(std::memory_order_acquire); }
  /// Sends a control record, whose payload is one value that both codecs know.
  template <class T>
  transport::send_result send_control(transport::envelope_header, T& value);
  template <class T>
  caf::error read_control(const transport::envelope_view&, T& value);

  void decode(const transport::envelope_view&, caf::execution_unit*);
  void on_message(const transport::envelope_view&, caf::execution_unit*);
  // The steps of on_message(). Where one gives nothing, what arrived has been booked, and told.
  const message_signature* find_type(const transport::envelope_view&);
  std::optional<arrival_share> take_room(const local_receiver&, const transport::envelope_view&,
                                         const message_signature&);
  caf::mailbox_element_ptr read_message(const transport::envelope_view&, const message_signature&,
                                        arrival_share);
  traced_element::stamp record_arrival(const transport::envelope_view&, const message_signature&,
                                       const local_receiver&, const caf::mailbox_element&);
  void on_signature(const transport::envelope_view&);
  void on_watch(const transport::envelope_view&);
  void on_ended(const transport::envelope_view&);
  void on_link(const transport::envelope_view&);
  void unlink(const transport::envelope_view&);
  bool has_too_many_links();
  /// Warns of what the peer does wrong, once for each kind of it, and counts the rest.
  void complain(const std::string& kind, const std::string& text);
  void on_node(const transport::envelope_view&);
  void on_bounce(const transport::envelope_view&);
  void on_probe(const transport::envelope_view&);
  void on_report(const transport::envelope_view&);
  void end(const ending&);
  /// What the peer certainly did not take.
  void drop_unacknowledged();
  void drop_arrived(const transport::envelope_view&, trace::drop_reason, const std::string& type, caf::error);
  const local_receiver& receiver(caf::actor_id);
  trace::actor_index index_of_other(caf::actor_id) const;
  trace::message_id number_for(const transport::envelope_header&, trace::actor_index to,
                               trace::actor_index from, trace::string_index type);
  const caf::strong_actor_ptr& sender(caf::actor_id);

  gateway& gateway_;
  transport::peer_ptr peer_;
  const caf::node_id node_;
  std::unique_ptr<greeting> greeting_;
  std::atomic<const greeting*> greeted_{nullptr};
  std::atomic<payload_codec> codec_;

  // Outbound: which signatures this peer has been told, by number.
  std::unique_ptr<std::atomic<announcement>[]> announced_;
  std::mutex announcing_;

  // Outbound: how many of the gateway's ways to nodes this peer has been told.
  std::atomic<std::size_t> ways_told_{0};
  std::mutex telling_ways_;

  // Through this link, and of the peer, as it told.
  open_requests open_requests_;
  ended_actors ended_actors_;

  std::mutex arrivals_mutex_;
  std::deque<arrival> arrivals_;
  bool scheduled_ = false;

  // Inbound, touched only while decoding.
  announced_types types_;
  std::set<std::pair<caf::actor_id, caf::actor_id>> links_; ///< of its actors with ours, as it told
  std::set<std::string> complaints_;
  std::uint64_t complaints_untold_ = 0;
  std::atomic<bool> exceeded_{false};
  std::mutex watched_mutex_;
  std::set<caf::actor_id> watched_; ///< actors here whose end it wants to be told
  static constexpr std::size_t cached = 256;
  std::array<local_receiver, cached> receivers_;
  std::array<caf::strong_actor_ptr, cached> senders_;
};

using remote_peer_ptr = caf::intrusive_ptr<remote_peer>;

} // namespace troupe
