#include "actors/codec/json_reader.hpp"

#include <limits>
#include <nlohmann/json.hpp>

namespace troupe {

using nlohmann::json;

namespace {

template <class T>
bool number(const json& from, T& x) {
  if (from.is_number_unsigned()) {
    const auto value = from.get<std::uint64_t>();
    x = static_cast<T>(value);
    return value <= static_cast<std::uint64_t>(std::numeric_limits<T>::max());
  }
  if (!from.is_number_integer()) return false;
  const auto value = from.get<std::int64_t>();
  x = static_cast<T>(value);
  return std::is_signed_v<T> || value >= 0;
}

} // namespace

bool json_reader::boolean(bool& x) const {
  if (from_->is_boolean()) x = from_->get<bool>();
  return from_->is_boolean();
}
bool json_reader::integer(std::int64_t& x) const { return number(*from_, x); }
bool json_reader::natural(std::uint64_t& x) const { return number(*from_, x); }
bool json_reader::real(double& x) const {
  if (from_->is_number()) x = from_->get<double>();
  return from_->is_number();
}
bool json_reader::text(std::string& x) const {
  if (from_->is_string()) x = from_->get_ref<const std::string&>();
  return from_->is_string();
}
bool json_reader::is_null() const { return from_->is_null(); }
bool json_reader::is_list() const { return from_->is_array(); }
bool json_reader::is_object() const { return from_->is_object(); }
std::size_t json_reader::size() const { return from_->size(); }
json_reader json_reader::operator[](std::size_t i) const { return json_reader{(*from_)[i]}; }
json_reader json_reader::operator[](std::string_view name) const {
  static const json nothing;
  const auto found = from_->find(name);
  return json_reader{found != from_->end() ? *found : nothing};
}
std::vector<std::string> json_reader::keys() const {
  std::vector<std::string> names;
  for (const auto& [name, value] : from_->items())
    names.push_back(name);
  return names;
}

} // namespace troupe
