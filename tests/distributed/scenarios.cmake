# The scenarios over several processes, with faults.
troupe_test(distributed_scenarios SOURCES distributed/scenarios_test.cpp LINKS troupe_cli)
target_compile_definitions(distributed_scenarios PRIVATE TROUPE_PROGRAM="$<TARGET_FILE:troupe>"
  CONFIG_DIR="${PROJECT_SOURCE_DIR}/config")
add_dependencies(distributed_scenarios troupe)
