#include "transport/hub.hpp"
