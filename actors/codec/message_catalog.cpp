#include "actors/codec/message_catalog.hpp"

#include "base/cxx_text.hpp"
#include "base/names.hpp"

#include <caf/system_messages.hpp>
#include <caf/uniform_type_info_map.hpp>

#include <algorithm>
#include <atomic>
#include <set>
#include <stdexcept>
#include <typeindex>

namespace troupe {

namespace {

std::atomic<std::uint64_t> next_catalog{1};

/// Direct-mapped, one a thread: finding a signature costs a few nanoseconds.
struct cache_entry {
  static constexpr std::size_t types_max = 3;
  std::uint64_t serial = 0;
  std::size_t count = 0;
  std::array<caf::rtti_pair, types_max> types{};
  const message_signature* signature = nullptr;
};
constexpr std::size_t cache_size = 64;
constinit thread_local std::array<cache_entry, cache_size> cache;

std::size_t mixed(std::size_t hash, const caf::rtti_pair& type) {
  return hash * 31 + type.first + (reinterpret_cast<std::uintptr_t>(type.second) >> 4);
}

std::size_t place(std::size_t hash) { return (hash ^ (hash >> 6)) % cache_size; }

/// As the type is called in C++.
std::string readable(const caf::rtti_pair& type) {
  return type.second != nullptr ? type_text(*type.second) : caf::numbered_type_names[type.first - 1];
}

/// A name to register a C++ type under: "balance" of "bank::balance".
std::string name_for(std::string type) {
  type.resize(std::min(type.find('<'), type.size()));
  if (const auto colon = type.rfind(':'); colon != std::string::npos) type.erase(0, colon + 1);
  return is_name(type, type_names) ? type : "name";
}

template <class Reader>
caf::message read_elements(const std::vector<const element_codec*>& elements, Reader& in, caf::error& err) {
  std::vector<caf::type_erased_value_ptr> values;
  for (auto* element : elements) {
    values.push_back(element->make());
    if ((err = element->read(in, values.back()->get_mutable()))) return {};
  }
  return message_of(std::move(values));
}

template <class Reader>
void refuse_rest(const Reader& in, caf::error& err) {
  if (!err && in.left() != 0) err = caf::make_error(caf::sec::invalid_argument, "bytes left over");
}

caf::mailbox_element_ptr make_arrived(message_catalog::arrival of, caf::message content) {
  return caf::mailbox_element_ptr{new arrived_message(std::move(content), std::move(of.sender), of.id,
                                                      std::move(of.stages), std::move(of.share))};
}

} // namespace

message_catalog::message_catalog() : serial_(next_catalog.fetch_add(1, std::memory_order_relaxed)) {
  add<bool>("bool");
  add<std::int8_t>("i8");
  add<std::int16_t>("i16");
  add<std::int32_t>("i32");
  add<std::int64_t>("i64");
  add<std::uint8_t>("u8");
  add<std::uint16_t>("u16");
  add<std::uint32_t>("u32");
  add<std::uint64_t>("u64");
  add<float>("f32");
  add<double>("f64");
  add<std::string>("string");
  add<std::u16string>("u16string");
  add<std::u32string>("u32string");
  add<std::vector<char>>("bytes");
  add<std::vector<std::string>>("strings");
  add<std::set<std::string>>("string_set");
  add<std::map<std::string, std::string>>("string_map");
  add<caf::atom_value>("atom");
  add<caf::unit_t>("unit");
  add<caf::duration>("duration");
  add<caf::timespan>("timespan");
  add<caf::timestamp>("timestamp");
  add<caf::error>("error");
  add<caf::message>("message");
  add<caf::message_id>("message_id");
  add<caf::node_id>("node");
  add<caf::exit_msg>("exit");
  add<caf::down_msg>("down");
  add<caf::actor>("actor");
  add<caf::actor_addr>("actor_addr");
  add<caf::strong_actor_ptr>("actor_ptr");
  add<caf::weak_actor_ptr>("weak_actor_ptr");
  add<std::vector<caf::actor>>("actors");
  add<std::vector<caf::actor_addr>>("actor_addrs");
}

void message_catalog::insert(const std::string& name, const value_kind& kind) {
  const auto& type = kind.type;
  static_assert(type_names.bytes_max == type_name_bytes_max);
  if (!is_name(name, type_names))
    return refuse("message type " + readable(type) + " cannot be called \"" + name + "\"; a name has "
                  + describe(type_names));
  auto named = by_name_.find(name);
  auto typed = by_type_.find(type);
  if (named != by_name_.end() && typed != by_type_.end() && named->second == typed->second) return;
  if (named != by_name_.end())
    return refuse("two message types are called \"" + name + "\", " + readable(named->second->kind->type)
                  + " and " + readable(type) + "; names must be unique in a program");
  if (typed != by_type_.end())
    return refuse("message type " + readable(type) + " is registered as \"" + typed->second->name
                  + "\" and as \"" + name + "\"; give it one name");
  const auto& kept = codecs_.emplace_back(element_codec{name, &kind});
  by_name_.emplace(kept.name, &kept);
  by_type_.emplace(type, &kept);
}

void message_catalog::refuse(const std::string& why) const {
  if (refusals_ == nullptr) throw std::invalid_argument(why);
  refusals_->push_back(why);
}

std::string message_catalog::text_of(std::span<const caf::rtti_pair> types) const {
  std::string text;
  for (auto& type : types) {
    const auto known = by_type_.find(type);
    text += text.empty() ? "(" : ", ";
    text += known != by_type_.end() ? known->second->name : readable(type);
  }
  return (text.empty() ? "(" : text) + ')';
}

void message_catalog::apply(caf::actor_system_config& config) const {
  for (const auto& codec : codecs_) {
    if (codec.kind->type.second == nullptr) continue; // CAF's own
    const std::type_index type{*codec.kind->type.second};
    const auto make = [&codec] { return codec.make(); };
    config.type_names_by_rtti.emplace(type, codec.name);
    config.value_factories_by_name.emplace(codec.name, make);
    config.value_factories_by_rtti.emplace(type, make);
  }
}

std::vector<std::string> message_catalog::names() const {
  std::vector<std::string> result;
  for (auto& [name, codec] : by_name_)
    result.push_back(name);
  return result;
}

const message_signature& message_catalog::of(const caf::type_erased_tuple& message) {
  // Most messages, and all of a scenario's own types: nothing to loop over.
  const auto count = message.size();
  if (count != 1) return of_several(message, count);
  const auto type = message.type(0);
  const auto& entry = cache[place(mixed(1, type))];
  if (entry.serial != serial_ || entry.count != 1 || entry.types[0] != type) [[unlikely]]
    return of_new(type);
  return *entry.signature;
}

const message_signature& message_catalog::of_new(const caf::rtti_pair& type) {
  const auto& found = look_up({type});
  cache[place(mixed(1, type))] = {serial_, 1, {type}, &found};
  return found;
}

const message_signature& message_catalog::of_several(const caf::type_erased_tuple& message,
                                                     std::size_t count) {
  if (count > cache_entry::types_max) {
    std::vector<caf::rtti_pair> types(count);
    for (std::size_t i = 0; i < count; ++i)
      types[i] = message.type(i);
    return look_up(types);
  }
  std::array<caf::rtti_pair, cache_entry::types_max> types;
  auto hash = count;
  for (std::size_t i = 0; i < count; ++i)
    hash = mixed(hash, types[i] = message.type(i));
  auto& entry = cache[place(hash)];
  const auto end = types.begin() + static_cast<std::ptrdiff_t>(count);
  if (entry.serial != serial_ || entry.count != count || !std::equal(types.begin(), end, entry.types.begin()))
    entry = {serial_, count, types, &look_up({types.begin(), end})};
  return *entry.signature;
}

const message_signature& message_catalog::look_up(const std::vector<caf::rtti_pair>& types) {
  {
    std::shared_lock lock{mutex_};
    if (auto found = signatures_.find(types); found != signatures_.end()) return *found->second;
  }
  return make(types);
}

trace::string_index message_catalog::traced_anew(const value_kind& kind) {
  const auto index = look_up({kind.type}).traced_as;
  kind.name_in_trace.store(serial_ << 32 | index, std::memory_order_relaxed);
  return index;
}

const message_signature& message_catalog::make(const std::vector<caf::rtti_pair>& types) {
  auto signature = std::make_unique<message_signature>();
  for (auto& type : types) {
    if (!signature->name.empty()) signature->name += '+';
    auto found = by_type_.find(type);
    if (found != by_type_.end()) {
      signature->name += found->second->name;
      signature->elements.push_back(found->second);
      continue;
    }
    const auto name = readable(type);
    signature->name += name;
    signature->unregistered |= type.second != nullptr;
    signature->why_local = "message type " + name + " is not registered; add scenario.message<" + name
                           + ">(\"" + name_for(name) + "\")";
  }
  if (types.empty()) signature->name = "(empty)";
  if (signature->unregistered) has_strays_.store(true, std::memory_order_relaxed);
  if (recorder_ != nullptr) signature->traced_as = recorder_->intern(signature->name);
  std::unique_lock lock{mutex_};
  auto [place, fresh] = signatures_.emplace(types, nullptr);
  if (fresh) {
    signature->number = static_cast<std::uint32_t>(signatures_.size());
    if (signature->number > signatures_max && signature->why_local.empty())
      signature->why_local =
          "this node already uses " + std::to_string(signatures_max) + " different signatures";
    place->second = std::move(signature);
  }
  return *place->second;
}

const element_codec* message_catalog::element(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found != by_name_.end() ? found->second : nullptr;
}

const message_signature* message_catalog::numbered(std::uint32_t number) {
  const std::shared_lock lock{mutex_};
  for (auto& [types, signature] : signatures_)
    if (signature->number == number) return signature.get();
  return nullptr;
}

const message_signature* message_catalog::find(const std::vector<std::string_view>& names,
                                               std::string& unknown) {
  std::vector<caf::rtti_pair> types;
  for (auto name : names) {
    const auto* found = element(name);
    if (found == nullptr) {
      unknown = name;
      return nullptr;
    }
    types.push_back(found->kind->type);
  }
  {
    std::shared_lock lock{mutex_};
    if (auto found = signatures_.find(types); found != signatures_.end()) return found->second.get();
    if (signatures_.size() >= signatures_max) {
      unknown = "(too many signatures)";
      return nullptr;
    }
  }
  return &make(types);
}

caf::error message_catalog::write(wire_writer& out, const message_signature& signature,
                                  const caf::type_erased_tuple& message) {
  for (std::size_t i = 0; i < signature.elements.size(); ++i)
    if (auto err = signature.elements[i]->write(out, message.get(i))) return err;
  return caf::none;
}

caf::error message_catalog::write(msgpack_writer& out, const message_signature& signature,
                                  const caf::type_erased_tuple& message) {
  out.array(signature.elements.size());
  for (std::size_t i = 0; i < signature.elements.size(); ++i)
    if (auto err = signature.elements[i]->write(out, message.get(i))) return err;
  return caf::none;
}

namespace {

/// With a default value in it.
template <std::size_t Bytes>
caf::mailbox_element_ptr arrived_with(const value_kind& kind, message_catalog::arrival&& of) {
  auto* element = new element_with<arrived, Bytes>(std::move(of.sender), of.id, std::move(of.stages),
                                                   std::move(of.share));
  caf::mailbox_element_ptr owned{element};
  element->emplace(kind);
  return owned;
}

/// Null where an element of that type is larger than all contents.
caf::mailbox_element_ptr arrived_with(const value_kind& kind, message_catalog::arrival& of) {
  static constexpr auto makers = []<std::size_t... Is>(std::index_sequence<Is...>) {
    return std::array{&arrived_with<content_sizes[Is]>...};
  }
  (std::make_index_sequence<content_sizes.size()>{});
  const auto size = std::ranges::find(content_sizes, content_size(kind.bytes));
  if (size == content_sizes.end()) return nullptr;
  return makers[static_cast<std::size_t>(size - content_sizes.begin())](kind, std::move(of));
}

template <class Reader>
caf::mailbox_element_ptr read_message(Reader& in, const message_signature& signature,
                                      message_catalog::arrival of, caf::error& err) {
  caf::mailbox_element_ptr result;
  if (signature.elements.size() == 1 && of.stages.empty())
    result = arrived_with(*signature.elements[0]->kind, of);
  if (result != nullptr)
    err = signature.elements[0]->read(in, result->content().get_mutable(0));
  else
    result = make_arrived(std::move(of), read_elements(signature.elements, in, err));
  refuse_rest(in, err);
  return err ? nullptr : std::move(result);
}

} // namespace

caf::mailbox_element_ptr message_catalog::read(wire_reader& in, const message_signature& signature,
                                               arrival of, caf::error& err) {
  return read_message(in, signature, std::move(of), err);
}

caf::mailbox_element_ptr message_catalog::read(msgpack_reader& in, const message_signature& signature,
                                               arrival of, caf::error& err) {
  if ((err = in.array_of(signature.elements.size()))) return nullptr;
  return read_message(in, signature, std::move(of), err);
}

// -- structs, nested messages and errors ------------------------------------------------

caf::error wire_writer::structure(const struct_walks& walks, void* value) {
  return nested([&] {
    fields_out fields{detail::write_field<wire_writer>, this};
    return walks.out(fields, value);
  });
}

caf::error wire_reader::structure(const struct_walks& walks, void* value) {
  return nested([&] {
    fields_in fields{detail::read_field<wire_reader>, this};
    return walks.in(fields, value);
  });
}

caf::error wire_writer::write_message(const caf::message& x) {
  return x.empty() ? (varint(0), caf::error{}) : write_message(x.content());
}

caf::error wire_writer::write_message(const caf::type_erased_tuple& x) {
  const auto& signature = catalog_.of(x);
  if (!signature.why_local.empty()) return caf::make_error(caf::sec::unknown_type, signature.why_local);
  varint(signature.elements.size());
  for (auto* element : signature.elements) {
    varint(element->name.size());
    raw(element->name.data(), element->name.size());
  }
  return message_catalog::write(*this, signature, x);
}

caf::error wire_reader::read_message(caf::message& x) {
  std::size_t count = 0;
  if (!size(count, 1)) return caf::sec::end_of_stream;
  if (count == 0) {
    x = caf::message{};
    return caf::none;
  }
  if (count > message_elements_max) return too_large();
  std::vector<const element_codec*> elements;
  for (std::size_t i = 0; i < count; ++i) {
    std::string name;
    if (auto err = apply(name)) return err;
    elements.push_back(catalog_.element(name));
    if (elements.back() == nullptr)
      return caf::make_error(caf::sec::unknown_type, name.substr(0, type_name_bytes_max));
  }
  caf::error err;
  auto content = read_elements(elements, *this, err);
  if (!err) x = std::move(content);
  return err;
}

caf::error wire_writer::write_error(const caf::error& x) {
  const std::uint8_t code = x ? x.code() : 0;
  out_.push_back(static_cast<char>(code));
  if (!x) return caf::none;
  const auto category = static_cast<std::uint64_t>(x.category());
  raw(&category, sizeof category);
  return nested([&] { return write_message(x.context()); });
}

caf::error wire_reader::read_error(caf::error& x) {
  std::uint8_t code = 0;
  if (!raw(&code, 1)) return caf::sec::end_of_stream;
  if (code == 0) {
    x = caf::none;
    return caf::none;
  }
  std::uint64_t category = 0;
  caf::message context;
  if (!raw(&category, sizeof category)) return caf::sec::end_of_stream;
  if (auto err = nested([&] { return read_message(context); })) return err;
  x = caf::error{code, static_cast<caf::atom_value>(category), std::move(context)};
  return caf::none;
}

} // namespace troupe
