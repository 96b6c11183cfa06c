find_package(prometheus-cpp REQUIRED)
troupe_test(unit_cli
  SOURCES
    unit/cli_console_test.cpp
    unit/cli_interrupts_test.cpp
    unit/cli_lines_test.cpp
    unit/cli_metrics_test.cpp
    unit/cli_page_server_test.cpp
    unit/cli_progress_test.cpp
    unit/cli_report_test.cpp
    unit/cli_run_directory_test.cpp
    unit/cli_sweep_test.cpp
    unit/cli_table_test.cpp
    unit/cli_watch_test.cpp
  LINKS troupe_cli prometheus-cpp::core)
