#include "runner/plan/parameter.hpp"

#include "base/names.hpp"
#include "base/units.hpp"
#include "base/words.hpp"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>

namespace troupe::scenarios {

std::string_view to_string(parameter_type type) {
  switch (type) {
  case parameter_type::boolean:
    return "boolean";
  case parameter_type::integer:
    return "integer";
  case parameter_type::number:
    return "number";
  case parameter_type::text:
    return "text";
  case parameter_type::choice:
    return "choice";
  case parameter_type::duration:
    return "duration";
  case parameter_type::integers:
    return "list of integers";
  case parameter_type::numbers:
    return "list of numbers";
  case parameter_type::booleans:
    return "list of booleans";
  case parameter_type::texts:
    return "list of texts";
  }
  return "unknown";
}

std::string_view to_string(placement where) {
  switch (where) {
  case placement::main:
    return "main";
  case placement::workers:
    return "workers";
  case placement::all:
    return "all";
  }
  return "unknown";
}

namespace {

/// The largest and smallest number in a value, where ranges apply to it.
std::optional<std::pair<double, double>> extent(const parameter_value& value) {
  if (auto* i = std::get_if<std::int64_t>(&value)) return std::pair{double(*i), double(*i)};
  if (auto* d = std::get_if<double>(&value)) return std::pair{*d, *d};
  if (auto* t = std::get_if<std::chrono::nanoseconds>(&value)) {
    const double seconds = std::chrono::duration<double>(*t).count();
    return std::pair{seconds, seconds};
  }
  if (auto* list = std::get_if<std::vector<std::int64_t>>(&value); list && !list->empty()) {
    const auto [low, high] = std::minmax_element(list->begin(), list->end());
    return std::pair{double(*low), double(*high)};
  }
  if (auto* list = std::get_if<std::vector<double>>(&value); list && !list->empty()) {
    const auto [low, high] = std::minmax_element(list->begin(), list->end());
    return std::pair{*low, *high};
  }
  return std::nullopt;
}

std::string plural(parameter_type type) {
  switch (type) {
  case parameter_type::integers:
    return "integers";
  case parameter_type::numbers:
    return "numbers";
  case parameter_type::booleans:
    return "booleans";
  case parameter_type::texts:
    return "texts";
  default:
    return std::string(to_string(type)) + "s";
  }
}

std::string bound(const parameter& p, double value) {
  if (p.type == parameter_type::duration)
    return '"' + format_duration(std::chrono::nanoseconds{static_cast<std::int64_t>(value * 1e9)}) + '"';
  return format_number(value);
}

} // namespace

parameter& parameter::range(double low, double high) {
  at_least = low;
  at_most = high;
  return *this;
}

parameter& parameter::minimum(double low) {
  at_least = low;
  return *this;
}

parameter& parameter::in(std::string unit_name) {
  unit = std::move(unit_name);
  return *this;
}

parameter& parameter::length(std::size_t max) {
  length_max = max;
  return *this;
}

parameter& parameter::help(std::string text) {
  about = std::move(text);
  return *this;
}

parameter& parameter::path() {
  names_file = true;
  return *this;
}

parameter& parameter::optional() {
  fallback.reset();
  return *this;
}

std::string describe(const parameter& p) {
  if (p.type == parameter_type::choice) return "one of " + join_quoted(p.choices);
  std::string text;
  switch (p.type) {
  case parameter_type::boolean:
    text = "true or false";
    break;
  case parameter_type::integer:
    text = "an integer";
    break;
  case parameter_type::number:
    text = "a number";
    break;
  case parameter_type::text:
    text = "a text";
    break;
  case parameter_type::duration:
    text = "a duration such as \"500ms\" or \"1m30s\"";
    break;
  default:
    text = "a list of " + plural(p.type);
    break;
  }
  const bool list = p.type >= parameter_type::integers;
  if (p.at_least || p.at_most) {
    if (list) text += ", each";
    if (p.at_least && p.at_most)
      text += fmt::format(" from {} to {}", bound(p, *p.at_least), bound(p, *p.at_most));
    else if (p.at_least)
      text += fmt::format(" of at least {}", bound(p, *p.at_least));
    else
      text += fmt::format(" of at most {}", bound(p, *p.at_most));
  }
  if (!p.unit.empty()) text += fmt::format(" ({})", p.unit);
  return text;
}

namespace {

struct text_visitor {
  std::string operator()(bool b) const { return b ? "true" : "false"; }
  std::string operator()(std::int64_t i) const { return std::to_string(i); }
  std::string operator()(double d) const { return format_number(d); }
  std::string operator()(const std::string& s) const { return quote_toml(s); }
  std::string operator()(std::chrono::nanoseconds t) const { return '"' + format_duration(t) + '"'; }
  template <class T>
  std::string operator()(const std::vector<T>& list) const {
    std::string text = "[";
    for (const T& element : list) {
      if (text.size() > 1) text += ", ";
      text += (*this)(element);
    }
    return text + ']';
  }
};

} // namespace

std::string to_text(const parameter_value& value) { return std::visit(text_visitor{}, value); }

// -- declaration -------------------------------------------------------------

namespace {

parameter& add(declaration& d, std::string name, parameter_type type, parameter_value fallback) {
  parameter p;
  p.name = std::move(name);
  p.type = type;
  p.fallback = std::move(fallback);
  d.parameters.push_back(std::move(p));
  return d.parameters.back();
}

} // namespace

parameter& declaration::boolean(std::string n, bool fallback) {
  return add(*this, std::move(n), parameter_type::boolean, fallback);
}
parameter& declaration::integer(std::string n, std::int64_t fallback) {
  return add(*this, std::move(n), parameter_type::integer, fallback);
}
parameter& declaration::number(std::string n, double fallback) {
  return add(*this, std::move(n), parameter_type::number, fallback);
}
parameter& declaration::text(std::string n, std::string fallback) {
  return add(*this, std::move(n), parameter_type::text, std::move(fallback));
}
parameter& declaration::choice(std::string n, std::vector<std::string> choices, std::string fallback) {
  parameter& p = add(*this, std::move(n), parameter_type::choice, std::move(fallback));
  p.choices = std::move(choices);
  return p;
}
parameter& declaration::duration(std::string n, std::chrono::nanoseconds fallback) {
  return add(*this, std::move(n), parameter_type::duration, fallback);
}
parameter& declaration::integers(std::string n, std::vector<std::int64_t> fallback) {
  return add(*this, std::move(n), parameter_type::integers, std::move(fallback));
}
parameter& declaration::numbers(std::string n, std::vector<double> fallback) {
  return add(*this, std::move(n), parameter_type::numbers, std::move(fallback));
}
parameter& declaration::booleans(std::string n, std::vector<bool> fallback) {
  return add(*this, std::move(n), parameter_type::booleans, std::move(fallback));
}
parameter& declaration::texts(std::string n, std::vector<std::string> fallback) {
  return add(*this, std::move(n), parameter_type::texts, std::move(fallback));
}

const parameter* declaration::find(std::string_view parameter_name) const {
  const auto it = std::find_if(parameters.begin(), parameters.end(),
                               [&](const parameter& p) { return p.name == parameter_name; });
  return it == parameters.end() ? nullptr : &*it;
}

namespace {

using sentences = std::vector<std::string>;

void check_name(std::string_view what, const std::string& name, sentences& wrong) {
  if (!is_name(name))
    wrong.push_back(
        fmt::format("{} cannot be called {}; a name has {}", what, in_quotes(name), describe(plain_names)));
}

/// Of a default that is a text or a list.
std::size_t length_of(const parameter_value& value) {
  const auto length = [](const auto& x) -> std::size_t {
    if constexpr (requires { x.size(); })
      return x.size();
    else
      return 0;
  };
  return std::visit(length, value);
}

void check_range(const parameter& p, sentences& wrong) {
  const auto range = [&] { return fmt::format("{} to {}", bound(p, *p.at_least), bound(p, *p.at_most)); };
  const bool both = p.at_least && p.at_most;
  if (both && !(*p.at_least <= *p.at_most)) {
    wrong.push_back(fmt::format("the range of parameter {} is empty, {}", excerpt(p.name), range()));
    return;
  }
  const auto numbers = p.fallback ? extent(*p.fallback) : std::nullopt;
  if (!numbers) return;
  const bool below = p.at_least && !(numbers->first >= *p.at_least);
  const bool above = p.at_most && !(numbers->second <= *p.at_most);
  if (below || above)
    wrong.push_back(fmt::format("the default of parameter {}, {}, is out of its range, {}", excerpt(p.name),
                                excerpt(to_text(*p.fallback)),
                                both    ? range()
                                : below ? "at least " + bound(p, *p.at_least)
                                        : "at most " + bound(p, *p.at_most)));
}

void check_choices(const parameter& p, sentences& wrong) {
  if (p.type != parameter_type::choice) return;
  if (p.choices.empty()) {
    wrong.push_back(fmt::format("parameter {} has nothing to choose from", p.name));
    return;
  }
  const auto* chosen = p.fallback ? std::get_if<std::string>(&*p.fallback) : nullptr;
  if (chosen && std::find(p.choices.begin(), p.choices.end(), *chosen) == p.choices.end())
    wrong.push_back(fmt::format("the default of parameter {}, {}, is none of its choices, {}",
                                excerpt(p.name), in_quotes(*chosen), join_quoted(p.choices)));
}

/// Names that stand there more than once, each once.
sentences twice(sentences names) {
  std::sort(names.begin(), names.end());
  sentences found;
  for (auto it = names.begin(); (it = std::adjacent_find(it, names.end())) != names.end();
       it = std::upper_bound(it, names.end(), *it))
    found.push_back(*it);
  return found;
}

} // namespace

std::vector<std::string> mistakes_in(const declaration& d) {
  sentences wrong, names;
  check_name("a scenario", d.name, wrong);
  for (const auto& p : d.parameters) {
    names.push_back(p.name);
    check_name("a parameter", excerpt(p.name), wrong);
    check_range(p, wrong);
    check_choices(p, wrong);
    if (p.fallback && length_of(*p.fallback) > p.length_max)
      wrong.push_back(fmt::format("the default of parameter {} is longer than it may be, {}", excerpt(p.name),
                                  p.length_max));
  }
  for (const auto& name : twice(names))
    wrong.push_back(fmt::format("parameter {} is declared twice", excerpt(name)));
  names.clear();
  for (const auto& r : d.roles) {
    names.push_back(r.name);
    check_name("a role", r.name, wrong);
  }
  for (const auto& name : twice(names))
    wrong.push_back(fmt::format("role {} is declared twice", excerpt(name)));
  return wrong;
}

// -- parameters --------------------------------------------------------------

void parameters::set(std::string name, parameter_value value) {
  values_.insert_or_assign(std::move(name), std::move(value));
}

bool parameters::has(std::string_view name) const { return values_.find(name) != values_.end(); }

const parameter_value& parameters::at(std::string_view name) const {
  const auto it = values_.find(name);
  if (it == values_.end())
    throw std::logic_error(
        fmt::format("parameter {} has no value: it was not declared, or has no default and was "
                    "not given",
                    name));
  return it->second;
}

void parameters::wrong_type(std::string_view name) {
  throw std::logic_error(fmt::format("parameter {} was declared with another type", name));
}

} // namespace troupe::scenarios
