troupe_test(unit_runtime
  SOURCES
    unit/runtime_seeded.cpp
    unit/runtime_stuck.cpp
  LINKS troupe_scenarios)
