#include "actors/node/greeting.hpp"

#include <msgpack.hpp>

namespace troupe {

std::vector<char> encode(const greeting& x) {
  msgpack::sbuffer out;
  msgpack::packer pack(out);
  pack.pack_map(5);
  pack.pack("agent");
  pack.pack(x.agent);
  pack.pack("pid");
  pack.pack(x.pid);
  pack.pack("types");
  pack.pack_array(static_cast<std::uint32_t>(x.types.size()));
  for (auto& name : x.types)
    pack.pack(name);
  pack.pack("codecs");
  pack.pack(x.codecs);
  pack.pack("run");
  pack.pack(x.run);
  return {out.data(), out.data() + out.size()};
}

std::optional<greeting> decode_greeting(std::span<const char> in, std::string& why) {
  // Bounds on arrays, maps, strings, binaries, extensions and nesting.
  const msgpack::unpack_limit limits{greeting_types_max, 64, 4096, 0, 0, 4};
  try {
    const auto handle = msgpack::unpack(in.data(), in.size(), nullptr, nullptr, limits);
    greeting result;
    result.codecs.clear();
    if (handle.get().type != msgpack::type::MAP) throw std::runtime_error("it is not a map");
    for (auto& [key, value] : handle.get().via.map) {
      const auto name = key.as<std::string>();
      if (name == "agent")
        result.agent = value.as<std::uint64_t>();
      else if (name == "pid")
        result.pid = value.as<std::int64_t>();
      else if (name == "codecs")
        result.codecs = value.as<std::vector<int>>();
      else if (name == "run")
        result.run = value.as<std::map<std::string, std::string>>();
      else if (name == "types")
        for (auto& type : value.as<std::vector<std::string>>())
          result.types.insert(type);
      // Unknown keys are a later version's; they are skipped.
    }
    if (result.agent == 0) throw std::runtime_error("\"agent\" is missing");
    if (result.codecs.empty()) throw std::runtime_error("\"codecs\" is missing");
    return result;
  } catch (const std::exception& e) {
    why = std::string{"greeting is not understood: "} + e.what();
    return std::nullopt;
  }
}

} // namespace troupe
