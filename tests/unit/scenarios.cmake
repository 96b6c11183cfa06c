troupe_test(unit_scenario_files
  SOURCES
    unit/scenarios_file.cpp
  LINKS troupe_scenario_files nlohmann_json::nlohmann_json)
