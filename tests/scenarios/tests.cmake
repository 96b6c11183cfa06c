# Whole scenarios, run in this process from the text of a file: scenario_DEMO of all sources in DEMO/, but
# for the one that needs the program.
file(GLOB demo_tests CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} scenarios/*/*_test.cpp)
list(REMOVE_ITEM demo_tests scenarios/dining_philosophers/deadlock_test.cpp)
set(tested_demos ${demo_tests})
list(TRANSFORM tested_demos REPLACE "scenarios/([^/]+)/.*" "\\1")
list(REMOVE_DUPLICATES tested_demos)
foreach(demo IN LISTS tested_demos)
  set(sources ${demo_tests})
  list(FILTER sources INCLUDE REGEX "^scenarios/${demo}/")
  troupe_test(scenario_${demo} SOURCES ${sources} LINKS troupe_scenarios troupe_runner)
endforeach()

troupe_test(scenario_deadlock SOURCES scenarios/dining_philosophers/deadlock_test.cpp LINKS troupe_scenarios troupe_runner troupe_cli)
target_compile_definitions(scenario_deadlock PRIVATE
  TROUPE_PROGRAM="$<TARGET_FILE:troupe>" CONFIG_DIR="${PROJECT_SOURCE_DIR}/config")
add_dependencies(scenario_deadlock troupe)

# The program, with the files that users begin with.
troupe_test(scenario_config_files SOURCES scenarios/config_files_test.cpp LINKS troupe_cli)
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
