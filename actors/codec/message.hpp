// What makes a struct a message: its fields and its name, said once.
//
//   struct greet {
//     std::string guest;
//   };
//   TROUPE_MESSAGE(greet, guest)
#pragma once

#include "actors/codec/content.hpp"

#include <caf/meta/type_name.hpp>
#include <caf/send.hpp>

#include <string_view>
#include <utility>

/// Behind a struct, in its namespace: the fields that travel, in order, up to 80. Of structs that are fields
/// themselves; of messages, TROUPE_MESSAGE.
#define TROUPE_FIELDS(type, ...) TROUPE_FIELDS_AS(#type, type __VA_OPT__(, ) __VA_ARGS__)
#define TROUPE_FIELDS_AS(name, type, ...)                                                                    \
  template <class Inspector>                                                                                 \
  auto inspect(Inspector& f, [[maybe_unused]] type& x) {                                                     \
    return f(::caf::meta::type_name(name),                                                                   \
             ::troupe::field_names(#__VA_ARGS__) __VA_OPT__(TROUPE_REPEAT(TROUPE_FIELD(__VA_ARGS__))));      \
  }

/// TROUPE_FIELDS, and the name under which the message is known in all processes and traces: the struct's.
#define TROUPE_MESSAGE(type, ...) TROUPE_MESSAGE_AS(#type, type __VA_OPT__(, ) __VA_ARGS__)
/// The same with another name, which is unique in the program. The first function is what CAF finds when a
/// handler returns one and when a promise is kept: its own would be compiled for each type.
#define TROUPE_MESSAGE_AS(name, type, ...)                                                                   \
  TROUPE_FIELDS_AS(name, type __VA_OPT__(, ) __VA_ARGS__)                                                    \
  [[maybe_unused]] inline ::caf::message make_message(type x) {                                              \
    return ::troupe::message_with(::std::move(x));                                                           \
  }                                                                                                          \
  [[maybe_unused]] constexpr ::std::string_view name_of_message(const type*) { return name; }

namespace troupe {

/// As caf::anon_send: from no actor, to an actor or a pointer to one.
template <class Dest, class T>
void anon_send(const Dest& to, T&& x) {
  caf::anon_send(to, message_with(std::forward<T>(x)));
}

} // namespace troupe

// Makes ", x.a, x.b" of "a, b". A macro is not expanded within itself: each field asks for the next by
// another name, which the outer macros have looked at again, 81 times.
#define TROUPE_FIELD(field, ...) , x.field __VA_OPT__(TROUPE_NEXT_FIELD TROUPE_PARENTHESES(__VA_ARGS__))
#define TROUPE_NEXT_FIELD() TROUPE_FIELD
#define TROUPE_PARENTHESES ()
#define TROUPE_REPEAT(...) TROUPE_27_TIMES(TROUPE_27_TIMES(TROUPE_27_TIMES(__VA_ARGS__)))
#define TROUPE_27_TIMES(...) TROUPE_9_TIMES(TROUPE_9_TIMES(TROUPE_9_TIMES(__VA_ARGS__)))
#define TROUPE_9_TIMES(...) TROUPE_3_TIMES(TROUPE_3_TIMES(TROUPE_3_TIMES(__VA_ARGS__)))
#define TROUPE_3_TIMES(...) TROUPE_ONCE(TROUPE_ONCE(TROUPE_ONCE(__VA_ARGS__)))
#define TROUPE_ONCE(...) __VA_ARGS__
