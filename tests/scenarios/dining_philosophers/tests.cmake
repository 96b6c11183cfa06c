troupe_test(scenario_dining_philosophers
  SOURCES
    scenarios/dining_philosophers/parts_test.cpp
    scenarios/dining_philosophers/dining_philosophers_test.cpp
  LINKS troupe_scenarios troupe_runner TIMEOUT 300)
