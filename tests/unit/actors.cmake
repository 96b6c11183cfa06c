# troupe_test(unit_actors SOURCES unit/actors_*.cpp LINKS troupe_actors)
