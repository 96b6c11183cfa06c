troupe_test(unit_trace
  SOURCES
    unit/trace_filter.cpp
    unit/trace_ledger.cpp
    unit/trace_merge.cpp
    unit/trace_reader.cpp
    unit/trace_recorder.cpp
    unit/trace_summary.cpp
  LINKS troupe_trace nlohmann_json::nlohmann_json)
