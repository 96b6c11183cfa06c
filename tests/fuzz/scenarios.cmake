troupe_fuzz(scenario_file
  SOURCES scenario_file.cpp
  LINKS troupe_runner_file troupe_runner_run nlohmann_json::nlohmann_json)
