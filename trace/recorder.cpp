#include "trace/recorder.hpp"
