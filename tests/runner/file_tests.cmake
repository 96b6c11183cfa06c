troupe_test(unit_scenario_files
  SOURCES
    unit/scenarios_combinations.cpp
    unit/scenarios_docs.cpp
    unit/scenarios_expectations.cpp
    unit/scenarios_file.cpp
    unit/scenarios_json.cpp
    unit/scenarios_long_lists.cpp
    unit/scenarios_mistakes.cpp
    unit/scenarios_reading.cpp
    unit/scenarios_schema.cpp
  LINKS troupe_scenario_files nlohmann_json::nlohmann_json)

set_source_files_properties(unit/scenarios_docs.cpp
  PROPERTIES COMPILE_DEFINITIONS TROUPE_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
