find_package(SQLite3 REQUIRED)
troupe_test(unit_trace
  SOURCES
    unit/trace_check.cpp
    unit/trace_collect.cpp
    unit/trace_export.cpp
    unit/trace_export_perfetto.cpp
    unit/trace_files.cpp
    unit/trace_filter.cpp
    unit/trace_ledger.cpp
    unit/trace_live.cpp
    unit/trace_merge.cpp
    unit/trace_outputs.cpp
    unit/trace_names.cpp
    unit/trace_output.cpp
    unit/trace_queries.cpp
    unit/trace_reader.cpp
    unit/trace_recorder.cpp
    unit/trace_summary.cpp
    unit/trace_tick_clock.cpp
    unit/trace_utf8.cpp
    unit/trace_view.cpp
  LINKS troupe_trace nlohmann_json::nlohmann_json SQLite::SQLite3)
