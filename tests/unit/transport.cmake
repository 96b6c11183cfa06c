troupe_test(unit_transport
  SOURCES
    unit/transport_codec.cpp
    unit/transport_session.cpp
    unit/transport_hub.cpp
  LINKS troupe_transport ZeroMQ::zmq)
