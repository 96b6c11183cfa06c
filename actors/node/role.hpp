// Roles: kinds of actors that a node can spawn by name, also when another node asks.
#pragma once

#include "actors/node/error.hpp"
#include "actors/runtime/traced_actor.hpp"

#include <caf/actor_system.hpp>
#include <caf/expected.hpp>
#include <caf/message.hpp>

#include <array>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <utility>

namespace troupe {

/// Spawns an actor from the arguments in a message; fails with errc::bad_arguments.
using role_factory =
    std::function<caf::expected<caf::strong_actor_ptr>(caf::actor_system&, const caf::message& args)>;

/// Filled before a node starts, read by all threads afterwards.
using role_map = std::map<std::string, role_factory, std::less<>>;

namespace detail {

/// errc::bad_arguments with "takes (actor, u64), got (actor, i64)"; nothing where they are those types.
caf::error wrong_arguments(const caf::actor_system&, std::span<const caf::rtti_pair> taken,
                           const caf::message& got);

/// CAF's own spawn of a function has it and its arguments compiled in a dozen classes of their own.
template <class Self, class Fun, class... Args>
caf::expected<caf::strong_actor_ptr> spawn_with(caf::actor_system& system, const Fun& fun,
                                                const caf::message& args) {
  const std::array<caf::rtti_pair, sizeof...(Args)> taken{caf::make_rtti_pair<std::decay_t<Args>>()...};
  if (auto err = wrong_arguments(system, taken, args)) return err;
  caf::actor_config config;
  auto begin = [run = Fun{fun}, given = args](caf::local_actor* self) mutable -> caf::behavior {
    const auto call = [&]<std::size_t... I>(std::index_sequence<I...>) {
      return run(static_cast<Self*>(self), std::move(given.get_mutable_as<std::decay_t<Args>>(I))...);
    };
    if constexpr (std::is_void_v<decltype(call(std::index_sequence_for<Args...>{}))>)
      return call(std::index_sequence_for<Args...>{}), caf::behavior{};
    else
      return std::move(call(std::index_sequence_for<Args...>{}).unbox());
  };
  config.init_fun = decltype(config.init_fun){std::move(begin)};
  return caf::actor_cast<caf::strong_actor_ptr>(
      system.spawn_class<Self, caf::spawn_options::no_flags>(config));
}

/// An actor function of plain CAF, for an actor that is of its kind and traced.
template <class Fun, class Self, class... Args>
struct adopted {
  Fun fun;
  auto operator()(traced<Self>* self, Args... xs) { return fun(self, std::forward<Args>(xs)...); }
};

template <class Self>
inline constexpr bool is_plain_caf =
    std::is_base_of_v<caf::scheduled_actor, Self> && !std::is_base_of_v<traceable, Self>;

template <class Self, class Fun, class... Args>
role_factory role_of(Fun fun, caf::detail::type_list<Args...>) {
  return [fun](caf::actor_system& system, const caf::message& args) {
    return spawn_with<Self, Fun, Args...>(system, fun, args);
  };
}

} // namespace detail

/// A role from an actor function `behavior f(Self*, Args...)` or a function object with
/// such a call operator: spawned with a message of exactly these argument types.
/// Where `Self` is an event-based actor of plain CAF, the actor is traced nevertheless.
template <class Fun>
role_factory make_role(Fun fun) {
  using arguments = typename caf::detail::get_callable_trait<Fun>::arg_types;
  using rest = typename caf::detail::tl_tail<arguments>::type;
  using self = std::remove_pointer_t<typename caf::detail::tl_head<arguments>::type>;
  if constexpr (detail::is_plain_caf<self>)
    return [&]<class... Args>(caf::detail::type_list<Args...> list) {
      return detail::role_of<traced<self>>(detail::adopted<Fun, self, Args...>{std::move(fun)}, list);
    }(rest{});
  else
    return detail::role_of<self>(std::move(fun), rest{});
}

} // namespace troupe
