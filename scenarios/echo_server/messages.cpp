#include "scenarios/echo_server/messages.hpp"

#include "actors/codec/message_catalog.hpp"
#include "scenarios/echo_server/load.hpp"

namespace troupe::scenarios::echo {

void add_messages(message_catalog& catalog) {
  catalog.add<server_rules>("server_rules");
  catalog.add<client_connected>("client_connected");
  catalog.add<client_line>("client_line");
  catalog.add<client_gone>("client_gone");
  catalog.add<intake_closed>("intake_closed");
  catalog.add<sockets_closed>("sockets_closed");
  catalog.add<join>("join");
  catalog.add<joined>("joined");
  catalog.add<leave>("leave");
  catalog.add<notice>("notice");
  catalog.add<closed>("closed");
  catalog.add<say>("say");
  catalog.add<echoed>("echoed");
  catalog.add<work_done>("work_done");
  catalog.add<hang_up>("hang_up");
  catalog.add<finish_up>("finish_up");
  catalog.add<give_up>("give_up");
  catalog.add<left_open>("left_open");
  catalog.add<where>("where");
  catalog.add<addresses>("addresses");
  catalog.add<crowd>("crowd");
  catalog.add<load_rules>("load_rules");
  catalog.add<start_load>("start_load");
  catalog.add<stop_load>("stop_load");
  catalog.add<load_arrived>("load_arrived");
  catalog.add<load_progress>("load_progress");
  catalog.add<client_report>("client_report");
  catalog.add<stop_serving>("stop_serving");
  catalog.add<grace_over>("grace_over");
  catalog.add<served>("served");
}

} // namespace troupe::scenarios::echo
