#include "actors/codec/msgpack_reader.hpp"

#include "actors/codec/message_catalog.hpp"

#include <bit>
#include <cstring>

namespace troupe {

namespace {

caf::error cut_short() { return caf::make_error(caf::sec::end_of_stream, "the payload is cut short"); }

const char* name_of(msgpack_head::kind what) {
  using kind = msgpack_head::kind;
  switch (what) {
  case kind::nil:
    return "nil";
  case kind::boolean:
    return "a boolean";
  case kind::natural:
  case kind::negative:
    return "an integer";
  case kind::real:
    return "a float";
  case kind::text:
    return "text";
  case kind::bytes:
    return "bytes";
  case kind::array:
    return "an array";
  case kind::map:
    return "a map";
  case kind::extension:
    return "an extension";
  }
  return "something else";
}

/// A negative number of `octets` octets, which lie in the low ones of `raw`.
std::int64_t signed_of(std::uint64_t raw, std::size_t octets) {
  const auto unused = 64 - 8 * octets;
  return static_cast<std::int64_t>(raw << unused) >> unused;
}

/// What the first octet says: the kind, and how many octets of length or number follow.
struct lead {
  msgpack_head::kind what;
  std::size_t octets;
  std::uint64_t number = 0; ///< where no octets follow
};

lead lead_of(unsigned octet) {
  using kind = msgpack_head::kind;
  if (octet <= 0x7f) return {kind::natural, 0, octet};
  if (octet <= 0x8f) return {kind::map, 0, octet & 0x0fU};
  if (octet <= 0x9f) return {kind::array, 0, octet & 0x0fU};
  if (octet <= 0xbf) return {kind::text, 0, octet & 0x1fU};
  if (octet >= 0xe0) return {kind::negative, 0, static_cast<std::uint64_t>(signed_of(octet, 1))};
  const auto power = [octet](unsigned first) { return std::size_t{1} << (octet - first); };
  if (octet == 0xc2 || octet == 0xc3) return {kind::boolean, 0, octet & 1U};
  if (octet >= 0xc4 && octet <= 0xc6) return {kind::bytes, power(0xc4)};
  if (octet >= 0xc7 && octet <= 0xc9) return {kind::extension, power(0xc7)};
  if (octet == 0xca || octet == 0xcb) return {kind::real, octet == 0xca ? 4U : 8U};
  if (octet >= 0xcc && octet <= 0xcf) return {kind::natural, power(0xcc)};
  if (octet >= 0xd0 && octet <= 0xd3) return {kind::negative, power(0xd0)};
  if (octet >= 0xd4 && octet <= 0xd8) return {kind::extension, 0, power(0xd4)};
  if (octet >= 0xd9 && octet <= 0xdb) return {kind::text, power(0xd9)};
  if (octet == 0xdc || octet == 0xdd) return {kind::array, octet == 0xdc ? 2U : 4U};
  if (octet == 0xde || octet == 0xdf) return {kind::map, octet == 0xde ? 2U : 4U};
  return {kind::nil, 0}; // 0xc0, and 0xc1 which next() refuses
}

} // namespace

bool msgpack_reader::take(std::size_t count, std::uint64_t& big_endian) {
  if (count > in_.size()) return false;
  big_endian = 0;
  for (std::size_t i = 0; i < count; ++i)
    big_endian = big_endian << 8 | static_cast<unsigned char>(in_[i]);
  in_ = in_.subspan(count);
  return true;
}

/// Precondition: so many octets are left, as next() has checked.
void msgpack_reader::copy(void* to, std::size_t count) {
  if (count != 0) std::memcpy(to, in_.data(), count);
  in_ = in_.subspan(count);
}

caf::error msgpack_reader::next(msgpack_head& head) {
  std::uint64_t octet = 0;
  if (!take(1, octet)) return cut_short();
  if (octet == 0xc1) return caf::make_error(caf::sec::invalid_argument, "0xc1 is no MessagePack");
  const auto begin = lead_of(static_cast<unsigned>(octet));
  head.what = begin.what;
  head.number = begin.number;
  if (begin.octets != 0 && !take(begin.octets, head.number)) return cut_short();
  switch (head.what) {
  case kind::negative:
    if (begin.octets != 0) head.number = static_cast<std::uint64_t>(signed_of(head.number, begin.octets));
    if (static_cast<std::int64_t>(head.number) >= 0) head.what = kind::natural;
    break;
  case kind::real:
    head.real = begin.octets == 4 ? double{std::bit_cast<float>(static_cast<std::uint32_t>(head.number))}
                                  : std::bit_cast<double>(head.number);
    break;
  case kind::extension: {
    std::uint64_t type = 0;
    if (!take(1, type)) return cut_short();
    head.extension = static_cast<std::int8_t>(type);
    [[fallthrough]];
  }
  case kind::text:
  case kind::bytes:
  case kind::array:
    if (head.number > in_.size()) return cut_short();
    break;
  case kind::map:
    if (head.number > in_.size() / 2) return cut_short();
    break;
  case kind::nil:
  case kind::boolean:
  case kind::natural:
    break;
  }
  return caf::none;
}

caf::error msgpack_reader::array(std::size_t& count) {
  msgpack_head head;
  if (auto err = next(head)) return err;
  if (head.what != kind::array) return unexpected("an array", head);
  count = static_cast<std::size_t>(head.number);
  return caf::none;
}

caf::error msgpack_reader::array_of(std::size_t count) {
  std::size_t found = 0;
  if (auto err = array(found)) return err;
  if (found == count) return caf::none;
  return caf::make_error(caf::sec::invalid_argument, "an array has " + std::to_string(found)
                                                         + " elements instead of " + std::to_string(count));
}

caf::error msgpack_reader::skip_nil(bool& was_nil) {
  if (in_.empty()) return cut_short();
  was_nil = static_cast<unsigned char>(in_[0]) == 0xc0;
  if (was_nil) in_ = in_.subspan(1);
  return caf::none;
}

// -- types of CAF ----------------------------------------------------------------------

caf::error msgpack_reader::handle(caf::strong_actor_ptr& x) {
  msgpack_head head;
  if (auto err = next(head)) return err;
  if (head.what == kind::nil) return caf::none;
  actor_ref ref;
  if (head.what != kind::extension || head.extension != msgpack_handle_type
      || head.number != sizeof ref.incarnation + sizeof ref.id)
    return unexpected("an actor's address", head);
  const auto little_endian = [this](std::uint64_t& value) {
    for (std::size_t i = 0; i < sizeof value; ++i)
      value |= std::uint64_t{static_cast<unsigned char>(in_[i])} << (8 * i);
    in_ = in_.subspan(sizeof value);
  };
  little_endian(ref.incarnation);
  little_endian(ref.id);
  if (ref.id != 0) x = handles_.import_handle(ref);
  return caf::none;
}

caf::error msgpack_reader::read_text(std::string& x) {
  msgpack_head head;
  if (auto err = next(head)) return err;
  if (head.what != kind::text && head.what != kind::bytes) return unexpected("text", head);
  x.resize(static_cast<std::size_t>(head.number));
  copy(x.data(), x.size());
  return caf::none;
}

caf::error msgpack_reader::read_atom(caf::atom_value& x) {
  std::string name;
  if (auto err = read_text(name)) return err;
  constexpr std::size_t atom_characters_max = 10;
  if (name.size() > atom_characters_max)
    return caf::make_error(caf::sec::invalid_argument, "no atom: " + name);
  x = caf::atom_from_string(name);
  return caf::none;
}

caf::error msgpack_reader::read_node(caf::node_id& x) {
  bool was_nil = false;
  std::uint64_t incarnation = 0;
  if (auto err = skip_nil(was_nil)) return err;
  if (!was_nil)
    if (auto err = read_number(incarnation)) return err;
  x = incarnation != 0 ? node_id_of(incarnation) : caf::node_id{};
  return caf::none;
}

caf::error msgpack_reader::read_error(caf::error& x) {
  bool was_nil = false;
  x = caf::none;
  if (auto err = skip_nil(was_nil); err || was_nil) return err;
  std::uint8_t code = 0;
  caf::atom_value category{};
  std::string text;
  if (auto err = array_of(3)) return err;
  if (auto err = each(code, category, text)) return err;
  if (code != 0)
    x = caf::error{code, category, text.empty() ? caf::message{} : message_with(std::move(text))};
  return caf::none;
}

caf::error msgpack_reader::read_duration(caf::duration& x) {
  bool was_nil = false;
  x = caf::duration{};
  if (auto err = skip_nil(was_nil); err || was_nil) return err;
  std::int64_t count = 0;
  if (auto err = read_number(count)) return err;
  if (count < 0) return out_of_range();
  x.unit = caf::time_unit::nanoseconds;
  x.count = static_cast<std::uint64_t>(count);
  return caf::none;
}

caf::error msgpack_reader::structure(const struct_walks& walks, void* value) {
  return nested([&] {
    std::size_t count = 0;
    if (auto err = array(count)) return err;
    const auto outer = std::exchange(fields_, count);
    fields_in fields{[](void* self, const value_functions& of, void* field) {
                       auto& reader = *static_cast<msgpack_reader*>(self);
                       if (reader.fields_-- == 0)
                         return caf::make_error(caf::sec::invalid_argument, "a structure lacks a field");
                       return of.read(reader, field);
                     },
                     this};
    auto result = walks.in(fields, value);
    const auto unread = std::exchange(fields_, outer);
    if (!result && unread != 0)
      return caf::make_error(caf::sec::invalid_argument, "a structure has too many fields");
    return result;
  });
}

caf::error msgpack_reader::read_message(caf::message& x) {
  x = caf::message{};
  if (auto err = array_of(2)) return err;
  std::vector<std::string> names;
  if (auto err = sequence(names)) return err;
  if (names.size() > message_elements_max) return too_large();
  if (auto err = array_of(names.size())) return err;
  if (names.empty()) return caf::none;
  std::vector<caf::type_erased_value_ptr> values;
  for (auto& name : names) {
    const auto* element = catalog_.element(name);
    if (element == nullptr)
      return caf::make_error(caf::sec::unknown_type, name.substr(0, type_name_bytes_max));
    values.push_back(element->make());
    if (auto err = element->read(*this, values.back()->get_mutable())) return err;
  }
  x = message_of(std::move(values));
  return caf::none;
}

// -- what is wrong -----------------------------------------------------------------------

caf::error msgpack_reader::unexpected(const char* wanted, const msgpack_head& found) {
  return caf::make_error(caf::sec::invalid_argument,
                         std::string{wanted} + " expected, found " + name_of(found.what));
}

caf::error msgpack_reader::out_of_range() {
  return caf::make_error(caf::sec::invalid_argument, "a number does not fit into its type");
}

} // namespace troupe
