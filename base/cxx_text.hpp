// What the C++ runtime knows of types and exceptions, for people.
#pragma once

#include <string>
#include <typeinfo>

namespace troupe {

/// The type as it is written in a program: "bank::balance", "std::vector<int>".
std::string type_text(const std::type_info&);

/// What the exception that is being handled says, or of what type it is where it is no
/// std::exception. To be called in a catch block.
std::string exception_text();

} // namespace troupe
