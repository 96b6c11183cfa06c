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
    return of.tell(of, text, field);
  }
};

caf::error stays() {
  return caf::make_error(caf::sec::unknown_type, "values of this type stay in their process");
}

} // namespace

namespace detail {

caf::error struct_steps::write(const value_functions& of, wire_writer& out, void* value) {
  return out.structure(*of.walks, value);
}
caf::error struct_steps::read(const value_functions& of, wire_reader& in, void* value) {
  return in.structure(*of.walks, value);
}
caf::error struct_steps::pack(const value_functions& of, msgpack_writer& out, void* value) {
  return out.structure(*of.walks, value);
}
caf::error struct_steps::unpack(const value_functions& of, msgpack_reader& in, void* value) {
  return in.structure(*of.walks, value);
}
caf::error struct_steps::save(const value_functions& of, caf::serializer& sink, void* value) {
  fields_out fields{detail::each_field<&value_functions::save, caf::serializer>, &sink};
  return of.walks->out(fields, value);
}
caf::error struct_steps::load(const value_functions& of, caf::deserializer& source, void* value) {
  fields_in fields{detail::each_field<&value_functions::load, caf::deserializer>, &source};
  return of.walks->in(fields, value);
}
caf::error struct_steps::tell(const value_functions& of, std::string& out, void* value) {
  telling told;
  fields_out fields{telling::field, &told};
  auto err = of.walks->out(fields, value);
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

void struct_steps::to_json(const value_functions& of, json_writer& out, void* value) {
  members_out object{out};
  fields_out fields{[](void* self, const value_functions& of, void* field) {
                      auto& object = *static_cast<members_out*>(self);
                      if (of.absent != nullptr && of.absent(field)) return caf::error{};
                      object.codec.key(object.fields->field_name());
                      of.to_json(of, object.codec, field);
                      return caf::error{};
                    },
                    &object};
  object.fields = &fields;
  out.object();
  static_cast<void>(of.walks->out(fields, value));
  out.end();
}

caf::error struct_steps::from_json(const value_functions& of, const json_reader& in, void* value) {
  if (!in.is_object()) return not_in_json("an object");
  members_in object{in};
  fields_in fields{[](void* self, const value_functions& of, void* field) {
                     const auto& object = *static_cast<members_in*>(self);
                     return of.from_json(of, object.codec[object.fields->field_name()], field);
                   },
                   &object};
  object.fields = &fields;
  if (auto err = of.walks->in(fields, value))
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

const value_functions functions_of_stray{
    nullptr,
    [](const value_functions&, wire_writer&, void*) { return stays(); },
    [](const value_functions&, wire_reader&, void*) { return stays(); },
    [](const value_functions&, msgpack_writer&, void*) { return stays(); },
    [](const value_functions&, msgpack_reader&, void*) { return stays(); },
    [](const value_functions&, caf::serializer&, void*) { return stays(); },
    [](const value_functions&, caf::deserializer&, void*) { return stays(); },
    [](const value_functions&, std::string& out, void*) {
      out += "<unprintable>";
      return caf::error{};
    },
    [](const value_functions&, json_writer& out, void*) { out.null(); },
    nullptr,
    [](const value_functions&, const json_reader&, void*) { return stays(); }};

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
  of.to_json(of, out, const_cast<void*>(value));
  return text;
}

caf::error any_value::load(caf::deserializer& source) {
  const auto& of = *kind().functions;
  return of.load(of, source, get_mutable());
}

caf::error any_value::save(caf::serializer& sink) const {
  const auto& of = *kind().functions;
  return of.save(of, sink, const_cast<void*>(get()));
}

std::string any_value::stringify() const {
  const auto& of = *kind().functions;
  std::string text;
  static_cast<void>(of.tell(of, text, const_cast<void*>(get())));
  return text;
}

} // namespace troupe
