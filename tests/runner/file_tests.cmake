troupe_test(unit_scenario_files
  SOURCES
    runner/file/combinations_test.cpp
    runner/file/docs_test.cpp
    runner/run/expectations_test.cpp
    runner/file/file_test.cpp
    runner/plan/json_test.cpp
    runner/plan/long_lists_test.cpp
    runner/toml/mistakes_test.cpp
    runner/toml/reading_test.cpp
    runner/file/schema_test.cpp
  LINKS troupe_runner_file troupe_runner_run nlohmann_json::nlohmann_json)

set_source_files_properties(runner/file/docs_test.cpp
  PROPERTIES COMPILE_DEFINITIONS TROUPE_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
