troupe_test(unit_runtime
  SOURCES
    unit/runtime_endings.cpp
    unit/runtime_seeded.cpp
    unit/runtime_stalls.cpp
    unit/runtime_stuck.cpp
    unit/runtime_ways_to_end.cpp
    unit/scenarios_trace_endings.cpp
    unit/scenarios_trace_intake.cpp
  LINKS troupe_scenarios TIMEOUT 600)
set_source_files_properties(unit/runtime_ways_to_end.cpp
  PROPERTIES COMPILE_DEFINITIONS TROUPE_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
