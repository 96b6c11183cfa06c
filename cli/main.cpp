#include "cli/program.hpp"
#include "scenarios/demos.hpp"

int main(int argc, char** argv) { return troupe::cli::run_program(argc, argv, troupe::scenarios::demos()); }
