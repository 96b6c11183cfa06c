add_executable(bench_scenarios bench_scenarios.cpp scaling.cpp support.cpp)
target_link_libraries(bench_scenarios PRIVATE troupe_actors nlohmann_json::nlohmann_json fmt::fmt troupe_options)
