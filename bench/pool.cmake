add_executable(bench_pool bench_pool.cpp support.cpp)
target_link_libraries(bench_pool PRIVATE nlohmann_json::nlohmann_json fmt::fmt troupe_options)
target_include_directories(bench_pool PRIVATE ${PROJECT_SOURCE_DIR})
target_compile_definitions(bench_pool PRIVATE
  TROUPE_PROGRAM="$<TARGET_FILE:troupe>"
  TROUPE_POOL_FILE="${PROJECT_SOURCE_DIR}/config/worker_pool_many.toml")
add_dependencies(bench_pool troupe)
