troupe_test(scenario_dining_philosophers
  SOURCES
    scenario/dining_philosophers_parts.cpp
    scenario/dining_philosophers_test.cpp
  LINKS troupe_scenarios TIMEOUT 300)
