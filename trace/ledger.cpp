#include "trace/ledger.hpp"
