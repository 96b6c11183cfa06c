# troupe_test(unit_trace SOURCES unit/trace_*.cpp LINKS troupe_trace)
