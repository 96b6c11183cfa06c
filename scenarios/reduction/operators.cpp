#include "scenarios/reduction/operators.hpp"

#include "base/words.hpp"
#include "runner/plan/json_text.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <stdexcept>

namespace troupe::scenarios {

using nlohmann::json;

std::string shown(const json& x) { return excerpt(json_text(x), 60); }

namespace {

json number(const json& x) {
  if (!x.is_number()) throw std::invalid_argument("expected a number, not " + shown(x));
  return x;
}

json truth(const json& x) {
  if (!x.is_boolean()) throw std::invalid_argument("expected true or false, not " + shown(x));
  return x;
}

/// Exact on integers as long as they fit into 64 bits, which is checked; else floating point.
template <class Checked, class Floating>
json arithmetic(const json& a, const json& b, Checked checked, Floating floating) {
  if (!a.is_number_integer() || !b.is_number_integer()) return floating(a.get<double>(), b.get<double>());
  std::int64_t result = 0;
  if (checked(a.get<std::int64_t>(), b.get<std::int64_t>(), &result))
    throw std::overflow_error("the result does not fit into 64 bits: " + json_text(a) + " and "
                              + json_text(b));
  return result;
}

json add(json a, const json& b) {
  return arithmetic(
      a, b, [](std::int64_t x, std::int64_t y, std::int64_t* z) { return __builtin_add_overflow(x, y, z); },
      [](double x, double y) { return x + y; });
}

json subtract(json a, const json& b) {
  return arithmetic(
      a, b, [](std::int64_t x, std::int64_t y, std::int64_t* z) { return __builtin_sub_overflow(x, y, z); },
      [](double x, double y) { return x - y; });
}

json multiply(json a, const json& b) {
  return arithmetic(
      a, b, [](std::int64_t x, std::int64_t y, std::int64_t* z) { return __builtin_mul_overflow(x, y, z); },
      [](double x, double y) { return x * y; });
}

bool power_overflows(std::int64_t base, std::int64_t exponent, std::int64_t* result) {
  *result = 1;
  for (; exponent > 0; --exponent)
    if (__builtin_mul_overflow(*result, base, result)) return true;
  return false;
}

json power(json a, const json& b) {
  const bool whole = a.is_number_integer() && b.is_number_integer() && b.get<std::int64_t>() >= 0
                     && b.get<std::int64_t>() < 64;
  if (!whole) return std::pow(a.get<double>(), b.get<double>());
  return arithmetic(a, b, power_overflows, [](double x, double y) { return std::pow(x, y); });
}

/// Null is the least and the greatest of nothing.
template <class Better>
auto choose(Better better) {
  return [better](json a, const json& b) -> json {
    if (a.is_null() || b.is_null()) return a.is_null() ? b : a;
    return better(b, a) ? b : a;
  };
}

std::uint64_t natural(std::string_view text, const char* what) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size())
    throw std::invalid_argument(std::string{what} + " must be a natural number, not "
                                + shown(std::string{text}));
  return value;
}

/// word<TAB>year<TAB>count<TAB>volumes -> {word: count}
json read_ngram(std::string_view line) {
  std::string_view fields[4];
  std::size_t count = 0;
  for (auto rest = line;; ++count) {
    const auto tab = rest.find('\t');
    if (count < 4) fields[count] = rest.substr(0, tab);
    if (tab == std::string_view::npos) break;
    rest.remove_prefix(tab + 1);
  }
  if (count != 3 || fields[0].empty())
    throw std::invalid_argument("expected word<TAB>year<TAB>count<TAB>volumes, not "
                                + shown(std::string{line.substr(0, 200)}));
  natural(fields[1], "the year");
  natural(fields[3], "the number of volumes");
  json result = json::object();
  result[std::string{fields[0]}] = natural(fields[2], "the count");
  return result;
}

json count_once(const json& element) {
  json result = json::object();
  result[element.is_string() ? element.get<std::string>() : dumped(element)] = std::uint64_t{1};
  return result;
}

json merge_counts(json a, const json& b) {
  for (auto& [word, count] : b.items()) {
    auto& sum = a[word];
    std::uint64_t total = sum.is_null() ? 0 : sum.get<std::uint64_t>();
    if (__builtin_add_overflow(total, count.get<std::uint64_t>(), &total))
      throw std::overflow_error("the count of " + word + " does not fit into 64 bits");
    sum = total;
  }
  return a;
}

/// The most frequent first.
json rows_of(const json& counts) {
  std::vector<std::pair<std::uint64_t, const std::string*>> order;
  for (auto it = counts.begin(); it != counts.end(); ++it)
    order.emplace_back(it.value().get<std::uint64_t>(), &it.key());
  std::stable_sort(order.begin(), order.end(), [](auto& a, auto& b) { return a.first > b.first; });
  json rows = json::array();
  for (auto& [count, word] : order)
    rows.push_back({{"word", *word}, {"count", count}});
  return rows;
}

reduction_operator make(std::string about, json identity, decltype(reduction_operator::join) join,
                        decltype(reduction_operator::lift) lift, std::string symbol,
                        std::vector<json> samples) {
  reduction_operator result;
  result.about = std::move(about);
  result.identity = std::move(identity);
  result.join = std::move(join);
  result.lift = std::move(lift);
  result.symbol = std::move(symbol);
  result.samples = std::move(samples);
  return result;
}

operator_catalog make_standard() {
  operator_catalog all;
  const std::vector<json> numbers{2, 3, -1}, truths{true, false};
  all["sum"] = make("the sum of numbers", 0, add, number, "+", numbers);
  all["product"] = make("the product of numbers", 1, multiply, number, "*", numbers);
  all["min"] = make("the smallest number", nullptr, choose(std::less<json>{}), number, "", numbers);
  all["max"] = make("the greatest number", nullptr, choose(std::greater<json>{}), number, "", numbers);
  all["and"] = make(
      "whether all are true", true,
      [](json a, const json& b) -> json { return a.get<bool>() && b.get<bool>(); }, truth, " and ", truths);
  all["or"] = make(
      "whether any is true", false,
      [](json a, const json& b) -> json { return a.get<bool>() || b.get<bool>(); }, truth, " or ", truths);
  all["power"] = make("no reduction: refused, with the reason", 1, power, number, "^", {2, 1, 2, 3});
  all["difference"] = make("no reduction: refused, with the reason", 0, subtract, number, "-", numbers);
  auto& histogram = all["histogram"] =
      make("how often each element occurs; of a file, the counts of its n-grams", json::object(),
           merge_counts, count_once, "", {json{{"a", 1U}}, json{{"a", 2U}, {"b", 1U}}});
  histogram.read_line = read_ngram;
  histogram.present = rows_of;
  return all;
}

/// "2^1", or "min(2, 1)" for an operator without a symbol. Inner ones get parentheses.
struct term {
  std::string text;
  bool single = true;
};

std::string operand(const term& x) { return x.single ? x.text : '(' + x.text + ')'; }

term write(const std::string& name, const reduction_operator& op, const term& a, const term& b) {
  if (op.symbol.empty()) return {name + '(' + a.text + ", " + b.text + ')', true};
  return {operand(a) + op.symbol + operand(b), false};
}

term leaf(const json& x) {
  const bool negative = x.is_number() && x.get<double>() < 0;
  return {shown(x), !negative};
}

std::string differ(const char* law, const term& a, const json& value_a, const term& b, const json& value_b) {
  return std::string{"not "} + law + ": " + a.text + " = " + shown(value_a) + ", " + b.text + " = "
         + shown(value_b);
}

std::string try_laws(const std::string& name, const reduction_operator& op, const json& a, const json& b,
                     const json& c) {
  try {
    const auto ab = op.join(a, b), bc = op.join(b, c);
    const auto right = op.join(a, bc), left = op.join(ab, c);
    if (!same_value(right, left))
      return differ("associative", write(name, op, leaf(a), write(name, op, leaf(b), leaf(c))), right,
                    write(name, op, write(name, op, leaf(a), leaf(b)), leaf(c)), left);
    const auto ba = op.join(b, a);
    if (!same_value(ab, ba))
      return differ("commutative", write(name, op, leaf(a), leaf(b)), ab, write(name, op, leaf(b), leaf(a)),
                    ba);
  } catch (const std::exception&) {
    // No result for these three, such as an overflow, tells nothing of the others.
  }
  return {};
}

} // namespace

const operator_catalog& standard_operators() {
  static const operator_catalog operators = make_standard();
  return operators;
}

json value_of(const reduction_operator& op, const json& element) {
  return op.lift ? op.lift(element) : element;
}

json value_of_line(const reduction_operator& op, std::string_view line) {
  if (op.read_line) return op.read_line(line);
  auto element = parse_foreign(line);
  if (element.is_discarded())
    throw std::invalid_argument("cannot read " + shown(std::string{line.substr(0, 200)}));
  return value_of(op, element);
}

bool same_value(const json& a, const json& b) {
  if (a.is_number_float() || b.is_number_float()) {
    if (!a.is_number() || !b.is_number()) return false;
    const auto x = a.get<double>(), y = b.get<double>();
    if (std::isnan(x) || std::isnan(y)) return std::isnan(x) == std::isnan(y);
    return x == y || std::abs(x - y) <= 1e-9 * std::max(std::abs(x), std::abs(y));
  }
  if (a.is_structured() && b.is_structured() && a.type() == b.type() && a.size() == b.size())
    return std::equal(a.begin(), a.end(), b.begin(), same_value)
           && (!a.is_object()
               || std::equal(a.items().begin(), a.items().end(), b.items().begin(),
                             [](auto& x, auto& y) { return x.key() == y.key(); }));
  return a == b;
}

std::string counter_example(const std::string& name, const reduction_operator& op, std::vector<json> values) {
  // Those of the run first, as they stand: their counter-example says most to its user.
  for (std::size_t i = 0; i + 2 < values.size(); ++i)
    if (auto found = try_laws(name, op, values[i], values[i + 1], values[i + 2]); !found.empty())
      return found;
  constexpr std::size_t tried_max = 12;
  if (values.size() > tried_max) values.resize(tried_max);
  values.insert(values.end(), op.samples.begin(), op.samples.end());
  for (auto& a : values)
    for (auto& b : values)
      for (auto& c : values)
        if (auto found = try_laws(name, op, a, b, c); !found.empty()) return found;
  return {};
}

} // namespace troupe::scenarios
