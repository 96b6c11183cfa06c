#include "scenarios/dining_philosophers/messages.hpp"

#include "actors/codec/message_catalog.hpp"

namespace troupe::scenarios::dining {

void add_messages(message_catalog& catalog) {
  catalog.add<dining_rules>("dining_rules");
  catalog.add<place_setting>("place_setting");
  catalog.add<table_set>("table_set");
  catalog.add<lay_fork>("lay_fork");
  catalog.add<fork_laid>("fork_laid");
  catalog.add<start_dining>("start_dining");
  catalog.add<take_fork>("take_fork");
  catalog.add<try_fork>("try_fork");
  catalog.add<fork_taken>("fork_taken");
  catalog.add<fork_busy>("fork_busy");
  catalog.add<fork_wanted>("fork_wanted");
  catalog.add<put_fork>("put_fork");
  catalog.add<ask_to_sit>("ask_to_sit");
  catalog.add<please_sit>("please_sit");
  catalog.add<stand_up>("stand_up");
  catalog.add<done_thinking>("done_thinking");
  catalog.add<pause_over>("pause_over");
  catalog.add<done_eating>("done_eating");
  catalog.add<try_again>("try_again");
  catalog.add<meals_eaten>("meals_eaten");
  catalog.add<philosopher_report>("philosopher_report");
  catalog.add<dinner_spoilt>("dinner_spoilt");
  catalog.add<leave_table>("leave_table");
  catalog.add<clear_fork>("clear_fork");
  catalog.add<fork_report>("fork_report");
  catalog.add<table_cleared>("table_cleared");
}

} // namespace troupe::scenarios::dining
