troupe_fuzz(frame SOURCES fuzz_frame.cpp LINKS troupe_transport)
troupe_fuzz(envelope SOURCES fuzz_envelope.cpp LINKS troupe_transport)
troupe_fuzz(session SOURCES fuzz_session.cpp LINKS troupe_transport)
troupe_fuzz(switchboard SOURCES fuzz_switchboard.cpp LINKS troupe_transport)
