#include "base/text.hpp"
#include "trace/export/export.hpp"

#include <fmt/format.h>

namespace troupe::trace {
namespace {

/// '#' begins an entity in Mermaid and ';' ends a statement; both have entities.
std::string escaped(std::string_view text) {
  std::string out;
  for (char c : printable(text)) {
    switch (c) {
    case '#':
      out += "#35;";
      break;
    case ';':
      out += "#59;";
      break;
    case '<':
      out += "#lt;";
      break;
    case '>':
      out += "#gt;";
      break;
    case '"':
      out += "#quot;";
      break;
    default:
      out += c;
    }
  }
  return out;
}

} // namespace

void export_mermaid(const model& m, const selection& wanted, output& out, std::vector<std::string>& notes) {
  // Participants in order of appearance, those of a node together in a box.
  std::vector<bool> present(m.actors.size());
  std::string body;
  std::size_t head = 100, left_out = 0;
  auto cost_of = [&](std::uint32_t actor) {
    return present[actor] ? 0 : m.actor_name(actor).size() * 3 + 60;
  };
  auto& e = m.events;
  for (row i = 0; i < e.size(); ++i) {
    auto message = e.message[i];
    if (message == no_row || !wanted[message]) continue;
    bool received = m.messages.handled[message] == i, lost = m.messages.discarded[message] == i;
    if (!received && !lost) continue;
    auto from = m.messages.sender[message], to = e.actor[i];
    auto line = fmt::format("  a{} {} a{}: {}{}\n", from, lost ? "--x" : "->>", to,
                            escaped(m.text(m.messages.type[message])),
                            lost ? " (" + escaped(m.text(static_cast<std::uint32_t>(e.value[i]))) + ")" : "");
    auto size = head + body.size() + line.size() + cost_of(from) + cost_of(to);
    if (left_out > 0 || size > mermaid_characters_max - 500) {
      ++left_out;
      continue;
    }
    head += cost_of(from) + cost_of(to);
    present[from] = present[to] = true;
    body += line;
  }
  text_sink text{out, text_sink::kind::text};
  text += "sequenceDiagram\n";
  for (std::uint32_t n = 0; n <= m.nodes.size(); ++n) {
    std::string box;
    for (std::uint32_t a = 0; a < m.actors.size(); ++a) {
      auto place = a == 0 ? 0U : m.actors[a].node + 1U;
      if (present[a] && place == n)
        box += fmt::format("  participant a{} as {}\n", a, escaped(m.actor_name(a)));
    }
    if (box.empty()) continue;
    text += n == 0 ? box
                   : fmt::format("  box transparent {}\n{}  end\n", // or a node called "red" is a colour
                                 escaped(m.node_name(static_cast<std::uint16_t>(n - 1))), box);
  }
  text += body;
  if (left_out > 0) {
    text += fmt::format("  %% {} more\n", counted(left_out, "message"));
    notes.push_back(
        fmt::format("{} left out: Mermaid refuses more than {} characters; choose some with --where",
                    counted(left_out, "message"), grouped(mermaid_characters_max)));
  }
  text.flush();
}

} // namespace troupe::trace
