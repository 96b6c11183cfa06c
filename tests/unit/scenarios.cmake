# troupe_test(unit_scenarios SOURCES unit/scenarios_*.cpp LINKS troupe_scenarios)
