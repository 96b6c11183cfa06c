troupe_fuzz(trace_reader SOURCES trace_reader.cpp LINKS troupe_trace)
troupe_fuzz(trace_filter SOURCES trace_filter.cpp LINKS troupe_trace)
target_include_directories(${fuzz_prefix}trace_filter PRIVATE ${PROJECT_SOURCE_DIR}/tests)
