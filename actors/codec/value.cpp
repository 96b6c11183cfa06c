#include "actors/codec/value.hpp"

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
    }};

} // namespace detail

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
