#include "actors/codec/value.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace troupe {

namespace {

/// The fields of a struct as CAF tells them.
struct telling {
  std::string text;
  static caf::error field(void* self, const value_functions& of, void* field) {
    auto& text = static_cast<telling*>(self)->text;
    if (!text.empty()) text += ", ";
    return of.tell(text, field);
  }
};

caf::error stays() {
  return caf::make_error(caf::sec::unknown_type, "values of this type stay in their process");
}

} // namespace

caf::error value_functions::write(wire_writer&, void*) const { return stays(); }
caf::error value_functions::write(msgpack_writer&, void*) const { return stays(); }
caf::error value_functions::write(caf::serializer&, void*) const { return stays(); }
caf::error value_functions::read(wire_reader&, void*) const { return stays(); }
caf::error value_functions::read(msgpack_reader&, void*) const { return stays(); }
caf::error value_functions::read(caf::deserializer&, void*) const { return stays(); }
caf::error value_functions::tell(std::string& out, void*) const {
  out += "<unprintable>";
  return caf::none;
}
void value_functions::to_json(json_writer& out, void*) const { out.null(); }
caf::error value_functions::from_json(const json_reader&, void*) const { return stays(); }

namespace detail {

caf::error struct_functions::write(wire_writer& out, void* value) const {
  return out.structure(walks_, value);
}
caf::error struct_functions::write(msgpack_writer& out, void* value) const {
  return out.structure(walks_, value);
}
caf::error struct_functions::write(caf::serializer& sink, void* value) const {
  fields_out fields{write_field<caf::serializer>, &sink};
  return walks_.out(fields, value);
}
caf::error struct_functions::read(wire_reader& in, void* value) const { return in.structure(walks_, value); }
caf::error struct_functions::read(msgpack_reader& in, void* value) const {
  return in.structure(walks_, value);
}
caf::error struct_functions::read(caf::deserializer& source, void* value) const {
  fields_in fields{read_field<caf::deserializer>, &source};
  return walks_.in(fields, value);
}
caf::error struct_functions::tell(std::string& out, void* value) const {
  telling told;
  fields_out fields{telling::field, &told};
  auto err = walks_.out(fields, value);
  if (fields.type_name().empty()) {
    out += told.text;
  } else {
    out += fields.type_name();
    out += '(' + told.text + ')';
  }
  return err;
}

namespace {

/// A struct's fields on their way to or from the members of an object.
template <class Walk, class Codec>
struct members {
  Codec codec;
  const Walk* fields = nullptr;
};
using members_out = members<fields_out, json_writer&>;
using members_in = members<fields_in, const json_reader&>;

} // namespace

void struct_functions::to_json(json_writer& out, void* value) const {
  members_out object{out};
  fields_out fields{[](void* self, const value_functions& of, void* field) {
                      auto& object = *static_cast<members_out*>(self);
                      if (of.absent(field)) return caf::error{};
                      object.codec.key(object.fields->field_name());
                      of.to_json(object.codec, field);
                      return caf::error{};
                    },
                    &object};
  object.fields = &fields;
  out.object();
  static_cast<void>(walks_.out(fields, value));
  out.end();
}

caf::error struct_functions::from_json(const json_reader& in, void* value) const {
  if (!in.is_object()) return not_in_json("an object");
  members_in object{in};
  fields_in fields{[](void* self, const value_functions& of, void* field) {
                     const auto& object = *static_cast<members_in*>(self);
                     return of.from_json(object.codec[object.fields->field_name()], field);
                   },
                   &object};
  object.fields = &fields;
  if (auto err = walks_.in(fields, value))
    return caf::make_error(caf::sec::invalid_argument, fields.field_name(), err);
  return caf::none;
}

void write_real(json_writer& out, double x) {
  if (!std::isfinite(x)) return static_cast<void>(out.null()); // JSON has none of those
  auto text = fmt::format("{}", x);
  if (text.find_first_not_of("-0123456789") == std::string::npos) text += ".0";
  out.raw(text);
}

caf::error not_in_json(const char* wanted) {
  return caf::make_error(caf::sec::invalid_argument, std::string{wanted} + " was expected");
}

} // namespace detail

template <bool Out>
std::string field_walk<Out>::field_name() const {
  auto rest = names_;
  for (std::size_t i = 1; i < fields_ && !rest.empty(); ++i)
    rest.remove_prefix(std::min(rest.find(',') + 1, rest.size()));
  rest = rest.substr(0, rest.find(','));
  while (rest.starts_with(' '))
    rest.remove_prefix(1);
  return rest.empty() ? std::to_string(fields_ - 1) : std::string{rest};
}
template class field_walk<true>;
template class field_walk<false>;

std::string to_json_text(const value_functions& of, const void* value) {
  std::string text;
  json_writer out{text};
  of.to_json(out, const_cast<void*>(value));
  return text;
}

caf::error any_value::load(caf::deserializer& source) { return kind().functions.read(source, get_mutable()); }

caf::error any_value::save(caf::serializer& sink) const {
  return kind().functions.write(sink, const_cast<void*>(get()));
}

std::string any_value::stringify() const {
  std::string text;
  static_cast<void>(kind().functions.tell(text, const_cast<void*>(get())));
  return text;
}

} // namespace troupe
