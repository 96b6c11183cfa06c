# troupe_test(unit_cli SOURCES unit/cli_*.cpp LINKS troupe_cli)
