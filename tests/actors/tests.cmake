troupe_test(unit_actors
  SOURCES
    actors/codec/arrivals_test.cpp
    actors/runtime/books_test.cpp
    actors/node/bounds_test.cpp
    actors/runtime/causes_test.cpp
    actors/patterns/channel_test.cpp
    base/cores_test.cpp
    actors/node/greeting_test.cpp
    actors/node/leaving_test.cpp
    actors/patterns/reducer_test.cpp
    actors/runtime/scheduler_test.cpp
    actors/runtime/tracing_test.cpp
  LINKS troupe_actors troupe_trace)
# What they declare has names that other tests use, too.
set_source_files_properties(actors/runtime/books_test.cpp actors/runtime/causes_test.cpp PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
