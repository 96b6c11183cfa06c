# What scripts/test_viewer.sh makes its traces with.
add_executable(make_trace viewer/make_trace.cpp)
target_link_libraries(make_trace PRIVATE troupe_trace troupe_options)
