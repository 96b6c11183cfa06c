#include "actors/node/agent.hpp"

#include "base/utf8.hpp"

#include <algorithm>

#include <caf/all.hpp>

namespace troupe {

std::string to_string(errc x) {
  switch (x) {
  case errc::none:
    return "none";
  case errc::node_unknown:
    return "no such node is connected";
  case errc::not_connected:
    return "could not connect";
  case errc::name_not_found:
    return "nothing is published under that name";
  case errc::wrong_interface:
    return "the published actor has another interface";
  case errc::role_unknown:
    return "the node has no such role";
  case errc::bad_arguments:
    return "the role takes other arguments";
  case errc::timed_out:
    return "no answer in time";
  }
  return "unknown error";
}

std::string sentence_of(const caf::error& x) {
  const auto& context = x.context();
  const bool is_sentence = context.match_elements<std::string>();
  if (x.category() != caf::atom("troupe"))
    return is_sentence ? context.get_as<std::string>(0) : caf::to_string(x);
  const auto what = to_string(static_cast<errc>(x.code()));
  if (context.empty()) return what;
  return what + ": " + (is_sentence ? context.get_as<std::string>(0) : caf::deep_to_string(context));
}

void add_agent_messages(message_catalog& catalog) {
  catalog.add<publish_name, lookup_name, named_actor, spawn_role, role_spawned, leave_node, failed_actor,
              lookup_expired, program_mistake>();
}

caf::error detail::wrong_arguments(const caf::actor_system& system, std::span<const caf::rtti_pair> taken,
                                   const caf::message& got) {
  std::vector<caf::rtti_pair> types;
  for (std::size_t i = 0; i < got.size(); ++i)
    types.push_back(got.type(i));
  if (std::ranges::equal(types, taken)) return caf::none;
  const auto* context = context_of(system);
  const auto text_of = [&](std::span<const caf::rtti_pair> which) {
    return context != nullptr ? context->catalog.text_of(which) : message_catalog{}.text_of(which);
  };
  return caf::make_error(errc::bad_arguments, "takes " + text_of(taken) + ", got " + text_of(types));
}

namespace {

void on_publish(actor_of<agent_state>* self, publish_name& what) {
  if (what.actor == nullptr || what.name.size() > published_name_bytes_max) return;
  auto& state = self->state;
  if (state.published.size() >= published_max && !state.published.contains(what.name)) return;
  if (state.monitored.insert(what.actor->address()).second) self->monitor(what.actor);
  const auto& kept = state.published[what.name] = {std::move(what.actor), std::move(what.interface)};
  for (auto lookup = state.lookups.begin(); lookup != state.lookups.end();) {
    if (lookup->second.name != what.name) {
      ++lookup;
      continue;
    }
    lookup->second.promise.deliver(kept);
    lookup = state.lookups.erase(lookup);
  }
}

caf::result<named_actor> on_lookup(actor_of<agent_state>* self, const lookup_name& what) {
  auto& state = self->state;
  if (auto found = state.published.find(what.name); found != state.published.end()) return found->second;
  if (what.wait.count() <= 0) return caf::make_error(errc::name_not_found, what.name);
  if (state.lookups.size() >= lookups_max || what.name.size() > published_name_bytes_max)
    return caf::make_error(errc::name_not_found, what.name.substr(0, published_name_bytes_max));
  auto promise = self->make_response_promise();
  const auto number = state.next_lookup++;
  state.lookups.emplace(number, agent_state::waiting{what.name, promise});
  self->delayed_send(self, what.wait, lookup_expired{number});
  return caf::delegated<named_actor>{};
}

} // namespace

caf::behavior agent(actor_of<agent_state>* self, role_spawner spawn, std::function<void()> leave,
                    std::function<void(const failed_actor&)> failed,
                    std::function<void(const std::string&)> on_mistake) {
  self->set_down_handler([self](caf::down_msg& down) {
    self->state.monitored.erase(down.source);
    std::erase_if(self->state.published,
                  [&](auto& known) { return known.second.actor->address() == down.source; });
  });
  return {
      [self](publish_name& what) { on_publish(self, what); },
      [self](const lookup_name& what) { return on_lookup(self, what); },
      [self](const lookup_expired& what) {
        auto found = self->state.lookups.find(what.number);
        if (found == self->state.lookups.end()) return;
        found->second.promise.deliver(caf::make_error(errc::name_not_found, found->second.name));
        self->state.lookups.erase(found);
      },
      [leave = std::move(leave)](const leave_node&) {
        if (leave) leave();
      },
      [failed = std::move(failed)](failed_actor& who) {
        who.why.resize(cut_to_bytes(who.why, failure_bytes_max).size());
        if (failed) failed(who);
      },
      [on_mistake = std::move(on_mistake)](const program_mistake& what) {
        if (on_mistake) on_mistake(what.sentence);
      },
      [spawn = std::move(spawn)](const spawn_role& what) -> caf::result<role_spawned> {
        auto made = spawn(what.role, what.args);
        if (!made) return std::move(made.error());
        return role_spawned{std::move(*made)};
      },
  };
}

} // namespace troupe
