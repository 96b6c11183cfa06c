troupe_fuzz(scenario_file
  SOURCES scenario_file.cpp
  LINKS troupe_scenario_files nlohmann_json::nlohmann_json)
