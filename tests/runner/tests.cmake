troupe_test(unit_runtime
  SOURCES
    runner/run/announcement_test.cpp
    runner/run/endings_test.cpp
    runner/run/seeded_test.cpp
    runner/run/stalls_test.cpp
    runner/run/stuck_test.cpp
    runner/run/ways_to_end_test.cpp
    runner/run/trace_endings_test.cpp
    runner/run/trace_intake_test.cpp
  LINKS troupe_scenarios troupe_runner)
set_source_files_properties(runner/run/ways_to_end_test.cpp
  PROPERTIES COMPILE_DEFINITIONS TROUPE_SOURCE_DIR="${PROJECT_SOURCE_DIR}")

# The parts of a run, each by itself: no processes, no sockets, no clock.
troupe_test(unit_run
  SOURCES
    runner/run/actor_failures_test.cpp
    runner/run/balance_test.cpp
    runner/run/ending_test.cpp
    runner/run/fault_injector_test.cpp
    runner/run/node_roster_test.cpp
  LINKS troupe_runner_run)
