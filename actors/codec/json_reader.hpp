// JSON that is read into values; base/json_writer.hpp writes it. Neither this header nor those who include it
// see nlohmann-json, which does the work.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// A JSON value that is read. A view: the value outlives it.
class json_reader {
 public:
  explicit json_reader(const nlohmann::json& from) : from_(&from) {}

  // False where it is something else, or does not fit.
  bool boolean(bool&) const;
  bool integer(std::int64_t&) const;
  bool natural(std::uint64_t&) const;
  /// Any number.
  bool real(double&) const;
  bool text(std::string&) const;

  bool is_null() const;
  bool is_list() const;
  bool is_object() const;
  /// Of a list or an object.
  std::size_t size() const;
  json_reader operator[](std::size_t) const;
  /// Of an object: the value of that name, null where there is none.
  json_reader operator[](std::string_view) const;
  /// Of an object.
  std::vector<std::string> keys() const;

 private:
  const nlohmann::json* from_;
};

} // namespace troupe
