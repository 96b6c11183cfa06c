# Cost of recording and speed of reading. What needs actors (off_ratio and
# headers_ns_per_message) is measured in trace_actors.cpp, where that is present.
add_executable(bench_trace bench_trace.cpp)
target_link_libraries(bench_trace PRIVATE troupe_trace fmt::fmt troupe_options)
if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/trace_actors.cpp)
  target_sources(bench_trace PRIVATE trace_actors.cpp)
  target_compile_definitions(bench_trace PRIVATE TROUPE_BENCH_TRACE_ACTORS)
  target_link_libraries(bench_trace PRIVATE troupe_actors)
endif()
