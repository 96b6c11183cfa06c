#include "scenarios/dining_philosophers/messages.hpp"

#include "actors/codec/message_catalog.hpp"

namespace troupe::scenarios::dining {

void add_messages(message_catalog& catalog) {
  catalog.add<dining_rules, place_setting, table_set, lay_fork, fork_laid, start_dining, take_fork, try_fork,
              fork_taken, fork_busy, fork_wanted, put_fork, ask_to_sit, please_sit, stand_up, done_thinking,
              pause_over, done_eating, try_again, meals_eaten, philosopher_report, dinner_spoilt, leave_table,
              clear_fork, fork_report, table_cleared>();
}

} // namespace troupe::scenarios::dining
