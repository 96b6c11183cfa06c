add_executable(bench_hub bench_hub.cpp remote_raw.cpp support.cpp)
target_link_libraries(bench_hub PRIVATE troupe_transport ZeroMQ::zmq nlohmann_json::nlohmann_json fmt::fmt troupe_options)
