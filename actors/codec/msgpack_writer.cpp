#include "actors/codec/msgpack_writer.hpp"

#include "actors/codec/message_catalog.hpp"
#include "base/utf8.hpp"

#include <caf/actor_system.hpp>
#include <caf/execution_unit.hpp>
#include <caf/system_messages.hpp>

#include <bit>
#include <msgpack.hpp>

namespace troupe {

namespace {

/// What msgpack::packer asks of a stream.
struct sink {
  transport::byte_buffer& out;
  void write(const char* bytes, std::size_t count) { out.insert(out.end(), bytes, bytes + count); }
};

struct packing {
  explicit packing(transport::byte_buffer& out) : to{out}, packer{to} {}
  sink to;
  msgpack::packer<sink> packer;
};

template <class Bits>
void put_float(transport::byte_buffer& out, char lead, Bits bits) {
  out.push_back(lead);
  for (std::size_t i = sizeof bits; i-- > 0;)
    out.push_back(static_cast<char>(bits >> (8 * i)));
}

std::int64_t nanoseconds_per(caf::time_unit unit) {
  switch (unit) {
  case caf::time_unit::minutes:
    return 60'000'000'000;
  case caf::time_unit::seconds:
    return 1'000'000'000;
  case caf::time_unit::milliseconds:
    return 1'000'000;
  case caf::time_unit::microseconds:
    return 1'000;
  case caf::time_unit::nanoseconds:
    return 1;
  case caf::time_unit::invalid:
    break;
  }
  return 0;
}

} // namespace

void msgpack_writer::nil() { packing{out_}.packer.pack_nil(); }
void msgpack_writer::boolean(bool x) {
  x ? packing{out_}.packer.pack_true() : packing{out_}.packer.pack_false();
}
void msgpack_writer::natural(std::uint64_t x) { packing{out_}.packer.pack_uint64(x); }
void msgpack_writer::integer(std::int64_t x) { packing{out_}.packer.pack_int64(x); }
// The packer would make integers of whole floats, and lose the sign of zero.
void msgpack_writer::real(float x) { put_float(out_, '\xca', std::bit_cast<std::uint32_t>(x)); }
void msgpack_writer::real(double x) { put_float(out_, '\xcb', std::bit_cast<std::uint64_t>(x)); }

void msgpack_writer::text(std::string_view x) {
  if (!is_utf8(x)) return bytes(x.data(), x.size());
  packing to{out_};
  to.packer.pack_str(static_cast<std::uint32_t>(x.size()));
  to.packer.pack_str_body(x.data(), static_cast<std::uint32_t>(x.size()));
}

void msgpack_writer::bytes(const void* data, std::size_t count) {
  packing to{out_};
  to.packer.pack_bin(static_cast<std::uint32_t>(count));
  to.packer.pack_bin_body(static_cast<const char*>(data), static_cast<std::uint32_t>(count));
}

void msgpack_writer::array(std::size_t count) {
  packing{out_}.packer.pack_array(static_cast<std::uint32_t>(count));
}
void msgpack_writer::map(std::size_t count) {
  packing{out_}.packer.pack_map(static_cast<std::uint32_t>(count));
}

void msgpack_writer::handle(const caf::strong_actor_ptr& x) {
  const auto ref = handles_.export_handle(x);
  if (ref.id == 0) return nil();
  char body[2 * sizeof(std::uint64_t)];
  for (std::size_t i = 0; i < sizeof(std::uint64_t); ++i) {
    body[i] = static_cast<char>(ref.incarnation >> (8 * i));
    body[sizeof(std::uint64_t) + i] = static_cast<char>(ref.id >> (8 * i));
  }
  packing to{out_};
  to.packer.pack_ext(sizeof body, msgpack_handle_type);
  to.packer.pack_ext_body(body, sizeof body);
}

void msgpack_writer::fill_array_head(std::size_t where, std::size_t count) {
  transport::byte_buffer head;
  packing{head}.packer.pack_array(static_cast<std::uint32_t>(count));
  out_[where] = head[0];
  out_.insert(out_.begin() + static_cast<std::ptrdiff_t>(where) + 1, head.begin() + 1, head.end());
}

// How many fields a struct has is known when all have been written.
caf::error msgpack_writer::structure(const struct_walks& walks, void* value) {
  return nested([&] {
    const auto begin = out_.size();
    out_.push_back('\0');
    const auto outer = std::exchange(fields_, 0);
    fields_out fields{[](void* self, const value_functions& of, void* field) {
                        auto& writer = *static_cast<msgpack_writer*>(self);
                        ++writer.fields_;
                        return of.write(writer, field);
                      },
                      this};
    auto result = walks.out(fields, value);
    fill_array_head(begin, std::exchange(fields_, outer));
    return result;
  });
}

caf::error msgpack_writer::write_message(const caf::message& x) {
  if (!x.empty()) return write_message(x.content());
  array(2);
  array(0);
  array(0);
  return caf::none;
}

caf::error msgpack_writer::write_message(const caf::type_erased_tuple& x) {
  const auto& signature = catalog_.of(x);
  if (!signature.why_local.empty()) return caf::make_error(caf::sec::unknown_type, signature.why_local);
  array(2);
  array(signature.elements.size());
  for (auto* element : signature.elements)
    text(element->name);
  return message_catalog::write(*this, signature, x);
}

void msgpack_writer::write_error(const caf::error& x) {
  if (!x) return nil();
  auto* unit = context();
  array(3);
  natural(x.code());
  text(caf::to_string(x.category()));
  text(unit != nullptr ? unit->system().render(x) : caf::to_string(x));
}

caf::error msgpack_writer::write_duration(const caf::duration& x) {
  if (!x.valid()) return nil(), caf::none;
  const auto each = nanoseconds_per(x.unit);
  std::int64_t count = 0;
  if (each == 0 || x.count > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())
      || __builtin_mul_overflow(static_cast<std::int64_t>(x.count), each, &count))
    return no_such_duration();
  integer(count);
  return caf::none;
}

caf::error msgpack_writer::no_such_duration() {
  return caf::make_error(caf::sec::invalid_argument, "a duration is beyond 64 bits of nanoseconds");
}

} // namespace troupe
