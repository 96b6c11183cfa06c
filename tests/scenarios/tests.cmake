# Whole scenarios, run in this process from the text of a file.
troupe_test(scenario_producer_consumer
  SOURCES
    scenarios/producer_consumer/producer_consumer_test.cpp
  LINKS troupe_scenarios troupe_runner)
troupe_test(scenario_reduction
  SOURCES
    scenarios/reduction/reduction_test.cpp
  LINKS troupe_scenarios troupe_runner)
troupe_test(scenario_worker_pool
  SOURCES
    scenarios/worker_pool/worker_pool_test.cpp
    scenarios/worker_pool/bookkeeping_test.cpp
  LINKS troupe_scenarios troupe_runner)

troupe_test(scenario_echo_server
  SOURCES
    scenarios/echo_server/echo_server_test.cpp
    scenarios/echo_server/actors_test.cpp
  LINKS troupe_scenarios troupe_runner)
troupe_test(scenario_deadlock SOURCES scenarios/dining_philosophers/deadlock_test.cpp LINKS troupe_scenarios troupe_runner troupe_cli)
target_compile_definitions(scenario_deadlock PRIVATE
  TROUPE_PROGRAM="$<TARGET_FILE:troupe>" CONFIG_DIR="${PROJECT_SOURCE_DIR}/config")
add_dependencies(scenario_deadlock troupe)

# The program, with the files that users begin with.
troupe_test(scenario_config_files SOURCES scenarios/config_files_test.cpp LINKS troupe_cli TIMEOUT 300)
target_compile_definitions(scenario_config_files PRIVATE
  TROUPE_PROGRAM="$<TARGET_FILE:troupe>" CONFIG_DIR="${PROJECT_SOURCE_DIR}/config")
add_dependencies(scenario_config_files troupe)

# The same files, held against `troupe schema` by a validator.
find_path(VALIJSON_INCLUDE_DIR valijson/validator.hpp)
if(VALIJSON_INCLUDE_DIR)
  troupe_test(scenario_config_schema SOURCES scenarios/config_schema_test.cpp LINKS troupe_scenarios troupe_runner_file)
  target_include_directories(scenario_config_schema SYSTEM PRIVATE ${VALIJSON_INCLUDE_DIR})
  target_compile_definitions(scenario_config_schema PRIVATE CONFIG_DIR="${PROJECT_SOURCE_DIR}/config")
else()
  message(WARNING "libvalijson-dev is missing: config/ is not held against the schema")
endif()
