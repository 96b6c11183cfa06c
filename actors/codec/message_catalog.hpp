// Every message type a program can send between nodes, by name, with its codecs.
#pragma once

#include "actors/codec/arrivals.hpp"
#include "actors/codec/content.hpp"
#include "actors/codec/message.hpp"
#include "actors/codec/value.hpp"
#include "trace/record/recorder.hpp"

#include <caf/actor_system_config.hpp>
#include <caf/type_erased_value.hpp>

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// One element type of messages under its name.
struct element_codec {
  std::string name;
  const value_kind* kind;

  caf::type_erased_value_ptr make() const { return caf::type_erased_value_ptr{kind->make(nullptr)}; }
  /// A wire_writer or a msgpack_writer.
  template <class Writer>
  caf::error write(Writer& out, const void* value) const {
    return kind->functions.write(out, const_cast<void*>(value));
  }
  /// A wire_reader or a msgpack_reader.
  template <class Reader>
  caf::error read(Reader& in, void* value) const {
    return kind->functions.read(in, value);
  }
};

/// The element types of a message in order. Lives as long as its catalog.
struct message_signature {
  std::uint32_t number = 0; ///< from 1; in the catalog of this process, also on its links
  std::string name;         ///< element names joined by '+', as in traces
  std::vector<const element_codec*> elements;
  trace::string_index traced_as = 0;
  /// Empty if it can be sent to other nodes, else why not.
  std::string why_local;
  bool unregistered = false; ///< an element's type is the program's, and nobody registered it
};

/// Different signatures one node may use; more is a program that makes types up.
inline constexpr std::size_t signatures_max = 65'535;
/// Of the name of one element type.
inline constexpr std::size_t type_name_bytes_max = 255;

/// Filled before the actor system starts, read by all threads afterwards.
class message_catalog {
 public:
  /// With CAF's own value types already in it.
  message_catalog();
  message_catalog(const message_catalog&) = delete;
  message_catalog& operator=(const message_catalog&) = delete;

  /// Makes T known under `name`, the same in every process of a run. T needs an
  /// `inspect` overload. Throws std::invalid_argument when the name is none of type_names,
  /// or the name or the type is taken by another one; adding the same pair again is fine.
  template <class T>
  void add(const std::string& name) {
    static_assert(std::is_default_constructible_v<T>,
                  "a message type is default-constructed before it is read");
    static_assert(std::is_copy_constructible_v<T>, "a message type is copied when it has several receivers");
    static_assert(detail::can_travel<T>(),
                  "a message type is declared with TROUPE_MESSAGE, or has an overload of inspect()");
    insert(name, kind_of<T>());
  }

  /// Those declared with TROUPE_MESSAGE, under the names that they have there.
  template <class... Ts>
  void add() {
    (add<Ts>(std::string{name_of_message(static_cast<const Ts*>(nullptr))}), ...);
  }

  /// From now on add() appends the sentence of what it refuses to `these` and goes on; null: it
  /// throws again.
  void collect_refusals(std::vector<std::string>* these) { refusals_ = these; }

  /// Registers the types with CAF too. Call once, before the system is made.
  void apply(caf::actor_system_config&) const;

  /// Where signatures get their trace names from. Call once, before any message.
  void attach(trace::recorder& recorder) { recorder_ = &recorder; }

  /// The names that a peer must know to read our messages, and the other way round.
  std::vector<std::string> names() const;

  /// "(actor, actors, u64)": the types as they are registered, or else as they are called in C++.
  std::string text_of(std::span<const caf::rtti_pair>) const;

  /// The signature of a message; cached per thread.
  const message_signature& of(const caf::type_erased_tuple&);
  /// Whether there was a message of a type that nobody registered.
  bool has_strays() const { return has_strays_.load(std::memory_order_relaxed); }
  /// What a message of one element of that type is called in the trace.
  trace::string_index traced_as(const value_kind& kind) {
    const auto both = kind.name_in_trace.load(std::memory_order_relaxed);
    if (both >> 32 == serial_) [[likely]]
      return static_cast<trace::string_index>(both);
    return traced_anew(kind);
  }
  /// Null if there is no type of that name.
  const element_codec* element(std::string_view name) const;
  /// The signature with these element names; null and `unknown` filled in if there is none.
  /// Other nodes' wishes make at most signatures_max of them.
  const message_signature* find(const std::vector<std::string_view>& names, std::string& unknown);

  /// The signature of that number; null if there is none.
  const message_signature* numbered(std::uint32_t number);

  /// Appends the elements, without any tag.
  static caf::error write(wire_writer&, const message_signature&, const caf::type_erased_tuple&);
  /// Appends an array of the elements.
  static caf::error write(msgpack_writer&, const message_signature&, const caf::type_erased_tuple&);
  /// What surrounds the content of a message that came.
  struct arrival {
    caf::strong_actor_ptr sender{};
    caf::message_id id{};
    caf::mailbox_element::forwarding_stack stages{};
    arrival_share share{};
  };
  /// Null and an error if the bytes are not of that signature, or are too many.
  static caf::mailbox_element_ptr read(wire_reader&, const message_signature&, arrival, caf::error&);
  static caf::mailbox_element_ptr read(msgpack_reader&, const message_signature&, arrival, caf::error&);

 private:
  void insert(const std::string& name, const value_kind&);
  trace::string_index traced_anew(const value_kind&);
  void refuse(const std::string& why) const;
  const message_signature& of_new(const caf::rtti_pair&);
  const message_signature& of_several(const caf::type_erased_tuple&, std::size_t count);
  const message_signature& look_up(const std::vector<caf::rtti_pair>&);
  const message_signature& make(const std::vector<caf::rtti_pair>&);

  std::uint64_t serial_; ///< tells this catalog from others in caches; less than 2^32
  trace::recorder* recorder_ = nullptr;
  std::vector<std::string>* refusals_ = nullptr;
  std::atomic<bool> has_strays_{false};
  std::deque<element_codec> codecs_;
  std::map<std::string, const element_codec*, std::less<>> by_name_;
  std::map<caf::rtti_pair, const element_codec*> by_type_;
  std::shared_mutex mutex_; ///< guards the two below
  std::map<std::vector<caf::rtti_pair>, std::unique_ptr<message_signature>> signatures_;
};

} // namespace troupe
