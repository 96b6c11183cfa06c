troupe_test(unit_trace
  SOURCES
    unit/trace_ledger.cpp
    unit/trace_recorder.cpp
  LINKS troupe_trace)
