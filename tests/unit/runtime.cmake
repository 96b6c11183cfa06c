troupe_test(unit_runtime
  SOURCES
    unit/runtime_endings.cpp
    unit/runtime_seeded.cpp
    unit/runtime_stuck.cpp
    unit/scenarios_trace_endings.cpp
    unit/scenarios_trace_intake.cpp
  LINKS troupe_scenarios)
