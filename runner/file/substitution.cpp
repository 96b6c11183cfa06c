#include "runner/file/substitution.hpp"
#include "base/words.hpp"

#include <fmt/format.h>

namespace troupe::scenarios::file {
namespace {

constexpr std::size_t defaults_nested_max = 8;

bool is_name_char(char c, bool first) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (!first && c >= '0' && c <= '9');
}

/// One text. Stops at its first mistake.
class expansion {
 public:
  expansion(const node& n, const environment& env, mistakes& wrong)
      : node_(n), text_(n.text), env_(env), wrong_(wrong) {}

  std::optional<std::string> run() {
    std::string out;
    if (!expand(out, true, 0)) return std::nullopt;
    return out;
  }

 private:
  /// Up to the end of the text, or within a default up to its `}`, which is not taken.
  bool expand(std::string& out, bool wanted, std::size_t depth) {
    while (at_ < text_.size()) {
      if (text_.substr(at_, 3) == "$${") {
        ++braces_;
        if (!append(out, "${", wanted)) return false;
        at_ += 3;
      } else if (text_.substr(at_, 2) == "${") {
        if (!variable(out, wanted, depth)) return false;
      } else if (depth > 0 && text_[at_] == '}') {
        return true;
      } else {
        if (!append(out, text_.substr(at_, 1), wanted)) return false;
        ++at_;
      }
    }
    return true;
  }

  bool variable(std::string& out, bool wanted, std::size_t depth) {
    const std::size_t start = at_, number = braces_++;
    const auto fail = [&](std::string message, std::string help) {
      const auto end = text_.find('}', start);
      const std::size_t length = end == std::string_view::npos ? text_.size() - start : end + 1 - start;
      wrong_.add(where(number, text_.substr(start, length)), std::move(message), std::move(help));
      return false;
    };
    constexpr std::string_view forms =
        "write ${NAME}, ${NAME:-default} or ${NAME:?message}; $${ stands for ${";
    if (depth > defaults_nested_max)
      return fail(fmt::format("defaults are nested more than {} deep", defaults_nested_max), {});
    at_ += 2;
    const std::size_t first = at_;
    while (at_ < text_.size() && is_name_char(text_[at_], at_ == first))
      ++at_;
    const std::string name(text_.substr(first, at_ - first));
    if (at_ >= text_.size()) return fail("this `${` is never closed", std::string(forms));
    if (name.empty()) return fail("there is no variable's name after `${`", std::string(forms));
    const auto value = env_(name);
    if (value && find_invalid_utf8(*value) != std::string_view::npos)
      return fail(fmt::format("the environment variable {} is not UTF-8", tick(name)), {});
    if (text_[at_] == '}') {
      ++at_;
      if (!value && wanted)
        return fail(fmt::format("the environment variable {} is not set", tick(name)),
                    fmt::format("set it, or give a default: ${{{}:-…}}; $${{ stands for ${{", excerpt(name)));
      return append(out, value.value_or(""), wanted);
    }
    const auto operation = text_.substr(at_, 2);
    if (operation != ":-" && operation != ":?")
      return fail(fmt::format("{} cannot follow the name {}",
                              tick(text_.substr(at_, code_point_length(text_.substr(at_)))), tick(name)),
                  std::string(forms));
    at_ += 2;
    const bool given = value && !value->empty();
    const bool fallback = operation == ":-";
    std::string rest;
    // The branch that is not taken is read, too: its mistakes are mistakes.
    if (!expand(rest, wanted && !given, depth + 1)) return false;
    if (at_ >= text_.size()) return fail("this `${` is never closed", std::string(forms));
    ++at_;
    if (given) return append(out, *value, wanted);
    if (fallback) return append(out, rest, wanted);
    if (!wanted) return true;
    return fail(fmt::format("the environment variable {} is {}: {}", tick(name), value ? "empty" : "not set",
                            rest.empty() ? "it is required" : excerpt(rest, 200)),
                {});
  }

  bool append(std::string& out, std::string_view part, bool wanted) {
    if (!wanted) return true;
    if (out.size() + part.size() > substituted_bytes_max) {
      wrong_.add(node_.at, "this text is too long after substitution",
                 fmt::format("at most {} bytes are allowed", substituted_bytes_max));
      return false;
    }
    out += part;
    return true;
  }

  /// The text as written may hold escapes, so it is searched for the n-th `${`.
  place where(std::size_t number, std::string_view written) const {
    const auto& source = *node_.at.in;
    std::size_t offset = source.offset(node_.at.line, node_.at.column);
    for (std::size_t i = 0;; ++i, offset += 2) {
      offset = source.text().find("${", offset);
      if (offset == std::string_view::npos) return node_.at;
      if (i == number) break;
    }
    const bool same = source.text().substr(offset, written.size()) == written;
    return place_of(source, offset, same ? written.size() : 2);
  }

  const node& node_;
  std::string_view text_;
  const environment& env_;
  mistakes& wrong_;
  std::size_t at_ = 0;
  std::size_t braces_ = 0; ///< how many `${` were passed
};

} // namespace

void substitute(node& n, const environment& env, mistakes& wrong) {
  for (auto& item : n.items)
    substitute(item, env, wrong);
  for (auto& e : n.entries)
    substitute(e.value, env, wrong);
  if (n.kind != node_kind::text || !n.at.in_file() || n.text.find("${") == std::string::npos) return;
  auto expanded = expansion(n, env, wrong).run();
  // After a mistake the value is not judged a second time.
  n.substituted = true;
  if (expanded)
    n.text = std::move(*expanded);
  else
    n.kind = node_kind::broken;
}

} // namespace troupe::scenarios::file
