// Loads scenario files and says what is wrong with them.
#pragma once

#include "runner/plan/plan.hpp"
#include "runner/toml/diagnostic.hpp"

#include <functional>
#include <nlohmann/json_fwd.hpp>

namespace troupe::scenarios {

/// What the command line and the environment add to a file, strongest last.
struct overrides {
  std::vector<std::string>
      set; ///< "key=value"; the key is a parameter or a dotted path such as topology.nodes
  std::vector<std::string> vary; ///< the same, for one combination of a sweep
  std::optional<std::string> nodes, trace, sample, seed, deadline; ///< from their own options, unparsed
  std::vector<std::string> variables; ///< names of the environment's that begin with set_variable
};
/// TROUPE_SET_WORKERS=4 is --set workers=4, but weaker.
inline constexpr std::string_view set_variable = "TROUPE_SET_";

struct loaded {
  std::optional<plan> result; ///< empty if there is any diagnostic
  std::vector<diagnostic> mistakes;
};

using environment = std::function<std::optional<std::string>(const std::string&)>;

/// Reads, substitutes ${VAR}, checks everything in one pass and applies the overrides.
/// Starts nothing. `known` are all scenarios of this program.
loaded load(const std::filesystem::path&, const std::vector<const declaration*>& known, const overrides&,
            const environment&);
/// The same for text that is already in memory; `name` stands in the messages.
loaded parse(std::string_view text, const std::string& name, const std::vector<const declaration*>& known,
             const overrides&, const environment&);

/// JSON Schema (draft 2020-12) of scenario files, from the same declarations.
nlohmann::json schema(const std::vector<const declaration*>& known);
/// For `troupe list --json`.
nlohmann::json to_json(const declaration&);
nlohmann::json to_json(const parameter_value&);
/// For `troupe check --json` and the run directory: the resolved plan.
nlohmann::json to_json(const plan&);

} // namespace troupe::scenarios
