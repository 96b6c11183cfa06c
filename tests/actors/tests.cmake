troupe_test(unit_actors
  SOURCES
    actors/codec/arrivals_test.cpp
    actors/runtime/books_test.cpp
    actors/node/bounds_test.cpp
    actors/node/peer_parts_test.cpp
    actors/runtime/causes_test.cpp
    actors/patterns/channel_test.cpp
    base/cores_test.cpp
    actors/node/full_link_test.cpp
    actors/node/greeting_test.cpp
    actors/node/leaving_test.cpp
    actors/node/records_test.cpp
    actors/patterns/reducer_test.cpp
    actors/runtime/scheduler_test.cpp
    actors/runtime/tracing_test.cpp
  LINKS troupe_actors troupe_trace)
# What they declare has names that other tests use, too.
set_source_files_properties(actors/runtime/books_test.cpp actors/runtime/causes_test.cpp PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
set_source_files_properties(actors/node/records_test.cpp PROPERTIES COMPILE_DEFINITIONS
  TROUPE_WIRE_PAGE="${PROJECT_SOURCE_DIR}/docs/wire.md")
