#include "base/cxx_text.hpp"

#include <cstdlib>
#include <cxxabi.h>
#include <exception>
#include <memory>

namespace troupe {
namespace {

void erase_all(std::string& text, std::string_view part) {
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at))
    text.erase(at, part.size());
}

} // namespace

std::string type_text(const std::type_info& type) {
  int failed = 0;
  const std::unique_ptr<char, decltype(&std::free)> readable(
      abi::__cxa_demangle(type.name(), nullptr, nullptr, &failed), &std::free);
  std::string text = failed == 0 ? readable.get() : type.name();
  // What nobody writes, and what a call with this type would not compile with.
  erase_all(text, "(anonymous namespace)::");
  erase_all(text, "__cxx11::");
  return text;
}

std::string exception_text() {
  try {
    throw;
  } catch (const std::exception& e) {
    return *e.what() != '\0' ? e.what() : type_text(typeid(e));
  } catch (...) {
    const auto* type = abi::__cxa_current_exception_type();
    return "an exception of type " + (type != nullptr ? type_text(*type) : std::string("unknown"));
  }
}

} // namespace troupe
