# troupe_test(unit_transport SOURCES unit/transport_*.cpp LINKS troupe_transport)
