find_package(SQLite3 REQUIRED)
troupe_test(unit_trace
  SOURCES
    trace/check/check_test.cpp
    trace/merge/collect_test.cpp
    trace/export/export_test.cpp
    trace/export/export_perfetto_test.cpp
    base/durations_test.cpp
    base/files_test.cpp
    trace/record/format_test.cpp
    trace/query/filter_test.cpp
    trace/record/ledger_test.cpp
    trace/live/live_test.cpp
    trace/merge/merge_test.cpp
    cli/trace/outputs_test.cpp
    base/names_test.cpp
    base/output_test.cpp
    base/random_test.cpp
    trace/query/queries_test.cpp
    trace/merge/reader_test.cpp
    trace/record/recorder_test.cpp
    trace/check/summary_test.cpp
    trace/record/tick_clock_test.cpp
    base/table_test.cpp
    base/utf8_test.cpp
    trace/view/view_test.cpp
  LINKS troupe_trace troupe_cli_trace nlohmann_json::nlohmann_json SQLite::SQLite3)
set_source_files_properties(trace/record/format_test.cpp trace/query/filter_test.cpp trace/export/export_test.cpp
  PROPERTIES COMPILE_DEFINITIONS TROUPE_TRACE_PAGE="${PROJECT_SOURCE_DIR}/docs/trace.md")
