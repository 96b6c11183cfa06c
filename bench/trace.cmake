# Cost of recording and speed of reading.
add_executable(bench_trace bench_trace.cpp trace_actors.cpp support.cpp)
target_link_libraries(bench_trace PRIVATE troupe_actors troupe_trace fmt::fmt troupe_options)
