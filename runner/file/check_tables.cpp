// [parameters], [trace], and what all tables share.
#include "base/cxx_text.hpp"
#include "base/words.hpp"
#include "runner/file/checks.hpp"
#include "runner/file/settings.hpp"

#include <array>

#include <fmt/format.h>

namespace troupe::scenarios::file {
namespace {

const std::array<std::string, 3> trace_key_names{"level", "bytes_max", "sample"};
/// The smallest share of causal trees that can be asked for.
constexpr double sample_min = 1e-6;

/// "`nodes` belongs into [topology]" for a key that another table knows.
std::string home_of(const std::string& key, std::string_view not_here, const declaration* known) {
  struct home {
    std::string_view name;
    std::span<const std::string> keys;
  };
  const std::array homes{home{"[topology]", topology_keys()}, home{"[trace]", trace_keys()},
                         home{"[topology.security]", security_keys()}};
  if (known && not_here != "[parameters]" && known->find(key))
    return fmt::format("`{}` is a parameter: it belongs under [parameters]", key);
  for (const auto& h : homes)
    if (h.name != not_here && contains(h.keys, key)) return fmt::format("`{}` belongs under {}", key, h.name);
  if (!not_here.empty() && contains(top_keys(), key))
    return fmt::format("`{}` belongs at the top of the file, before the first [table]", key);
  return {};
}

/// What was typed on a command line starts where its user is; what stands in a file, there.
void start_at_file(std::string& path, const check_context& c) {
  if (!path.empty()) path = (c.result.file.parent_path() / path).lexically_normal().string();
}

void read_parameters(const node& table, check_context& c) {
  std::vector<std::string> names;
  for (const auto& p : c.known->parameters)
    names.push_back(p.name);
  for (const auto& e : table.entries) {
    if (c.wrong.full()) return;
    const parameter* p = c.known->find(e.key);
    if (!p) {
      auto help = home_of(e.key, "[parameters]", c.known);
      if (help.empty())
        help = names.empty() ? fmt::format("{} has no parameters", c.known->name)
                             : suggest(e.key, names, fmt::format("{} has", c.known->name));
      c.wrong.add(e.at, fmt::format("unknown parameter {} of {}", tick(e.key), c.known->name),
                  std::move(help));
    } else if (auto value = c.read.parameter_of(e.value, *p)) {
      if (p->names_file && e.value.at.in_file()) start_at_file(std::get<std::string>(*value), c);
      c.result.values.set(p->name, std::move(*value));
    }
  }
}

/// Does the sentence hold this word?
bool names(std::string_view sentence, std::string_view word) {
  const auto part_of_word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  for (auto at = sentence.find(word); at != std::string_view::npos; at = sentence.find(word, at + 1)) {
    const auto end = at + word.size();
    if ((at == 0 || !part_of_word(sentence[at - 1]))
        && (end == sentence.size() || !part_of_word(sentence[end])))
      return true;
  }
  return false;
}

/// Of the given parameters that a sentence names, the one given last and with most power.
const entry* strongest_named(const node& table, std::string_view sentence) {
  const entry* best = nullptr;
  for (const auto& e : table.entries)
    if (names(sentence, e.key) && (!best || e.at.in->from() >= best->at.in->from())) best = &e;
  return best;
}

/// The function is the scenario's own.
std::string objection_of(const declaration& known, const parameters& values) {
  try {
    return known.objection(values);
  } catch (...) {
    return fmt::format("scenario {} could not look at its parameters: {}", known.name, exception_text());
  }
}

} // namespace

std::span<const std::string> trace_keys() { return trace_key_names; }

void refuse_unknown(const node& table, std::string_view table_name, std::span<const std::string> keys,
                    check_context& c) {
  for (const auto& e : table.entries) {
    if (contains(keys, e.key) || c.wrong.full()) continue;
    auto help = home_of(e.key, table_name, c.known);
    if (help.empty()) help = suggest(e.key, keys);
    c.wrong.add(e.at,
                table_name.empty() ? fmt::format("unknown key {}", tick(e.key))
                                   : fmt::format("unknown key {} in {}", tick(e.key), table_name),
                std::move(help));
  }
}

void check_parameters(const node* given, check_context& c) {
  const std::size_t before = c.wrong.count();
  const node* table = given ? c.read.table(*given, {"parameters", "a table: [parameters]"}) : nullptr;
  if (!c.known) return;
  if (table) read_parameters(*table, c);
  if (c.wrong.count() != before || c.partial || !c.known->objection) return;
  const auto objection = objection_of(*c.known, c.result.values);
  if (objection.empty()) return;
  if (const entry* e = table ? strongest_named(*table, objection) : nullptr)
    c.wrong.add(e->at, objection);
  else if (given)
    c.wrong.add(given->at, objection);
  else
    c.wrong.add(c.scenario_at, objection);
}

void check_trace(const node& given, check_context& c) {
  const node* table = c.read.table(given, {"trace", "a table: [trace] with level = \"off\""});
  if (!table) return;
  refuse_unknown(*table, "[trace]", trace_key_names, c);
  if (const entry* e = table->find("level")) {
    if (const auto index = c.read.choice(e->value, {"level", "a level"}, level_words))
      c.result.trace.level = static_cast<trace::level>(*index);
  }
  if (const entry* e = table->find("bytes_max")) {
    constexpr std::uint64_t low = 1U << 20, high = 1ULL << 44;
    if (const auto bytes =
            c.read.size(e->value, {"bytes_max", "a size from 1MiB to 16TiB, such as \"512MiB\""}, low, high))
      c.result.trace.bytes_max = *bytes;
  }
  if (const entry* e = table->find("sample"))
    if (const auto share = c.read.number(
            e->value, {"sample", "the share of causal trees to record, from 0.000001 to 1, such as 0.1"},
            {sample_min, 1.0, {}}))
      c.result.trace.sample = *share;
}

} // namespace troupe::scenarios::file
