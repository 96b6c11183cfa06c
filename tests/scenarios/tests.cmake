# Whole scenarios, run in this process from the text of a file.
troupe_test(scenario_producer_consumer
  SOURCES
    scenario/producer_consumer.cpp
  LINKS troupe_scenarios)
troupe_test(scenario_reduction
  SOURCES
    scenario/reduction.cpp
  LINKS troupe_scenarios)
troupe_test(scenario_worker_pool
  SOURCES
    scenario/worker_pool.cpp
    scenario/worker_pool_bookkeeping.cpp
  LINKS troupe_scenarios)

troupe_test(scenario_echo_server
  SOURCES
    scenario/echo_server.cpp
    scenario/echo_server_actors.cpp
  LINKS troupe_scenarios)
troupe_test(scenario_deadlock SOURCES scenario/deadlock.cpp LINKS troupe_scenarios troupe_cli)
target_compile_definitions(scenario_deadlock PRIVATE
  TROUPE_PROGRAM="$<TARGET_FILE:troupe>" CONFIG_DIR="${PROJECT_SOURCE_DIR}/config")
add_dependencies(scenario_deadlock troupe)

# The program, with the files that users begin with.
troupe_test(scenario_config_files SOURCES scenario/config_files.cpp LINKS troupe_cli TIMEOUT 300)
target_compile_definitions(scenario_config_files PRIVATE
  TROUPE_PROGRAM="$<TARGET_FILE:troupe>" CONFIG_DIR="${PROJECT_SOURCE_DIR}/config")
add_dependencies(scenario_config_files troupe)
