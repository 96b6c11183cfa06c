#include "scenarios/echo_server/messages.hpp"

#include "actors/codec/message_catalog.hpp"
#include "scenarios/echo_server/load.hpp"

namespace troupe::scenarios::echo {

void add_messages(message_catalog& catalog) {
  catalog.add<server_rules, client_connected, client_line, client_gone, intake_closed, sockets_closed, join,
              joined, leave, notice, closed, say, echoed, work_done, hang_up, finish_up, give_up, left_open,
              where, addresses, crowd, load_rules, start_load, stop_load, load_arrived, load_progress,
              client_report, stop_serving, grace_over, served>();
}

} // namespace troupe::scenarios::echo
