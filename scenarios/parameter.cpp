#include "scenarios/parameter.hpp"
