find_package(prometheus-cpp REQUIRED)
troupe_test(unit_cli
  SOURCES
    cli/terminal/console_test.cpp
    cli/terminal/interrupts_test.cpp
    cli/terminal/lines_test.cpp
    cli/watch/metrics_test.cpp
    cli/watch/page_server_test.cpp
    cli/terminal/progress_test.cpp
    cli/commands/report_test.cpp
    cli/process/node_log_test.cpp
    cli/process/run_directory_test.cpp
    cli/commands/sweep_test.cpp
    cli/watch/watch_test.cpp
  LINKS troupe_cli prometheus-cpp::core)
