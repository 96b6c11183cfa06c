troupe_test(unit_actors
  SOURCES
    unit/actors_arrivals.cpp
    unit/actors_books.cpp
    unit/actors_bounds.cpp
    unit/actors_causes.cpp
    unit/actors_channel.cpp
    unit/actors_cores.cpp
    unit/actors_greeting.cpp
    unit/actors_reducer.cpp
    unit/actors_scheduler.cpp
    unit/actors_tracing.cpp
  LINKS troupe_actors)
# What they declare has names that other tests use, too.
set_source_files_properties(unit/actors_books.cpp unit/actors_causes.cpp PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
