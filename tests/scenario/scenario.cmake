# Whole scenarios, run in this process from the text of a file.
troupe_test(scenario_producer_consumer
  SOURCES
    scenario/producer_consumer.cpp
  LINKS troupe_scenarios)
