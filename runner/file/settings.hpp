// What the environment and the command line put over a file.
#pragma once

#include "runner/file/scenario_file.hpp"
#include "runner/toml/document.hpp"

#include <deque>

namespace troupe::scenarios::file {

/// The keys at the top of a scenario file.
std::span<const std::string> top_keys();

/// Collects the settings of TROUPE_*, --set and the options, weakest first, and lays
/// them over the tree of a file.
class settings {
 public:
  settings(const overrides&, const environment&, mistakes&);

  /// The scenario that --set names, if it does so.
  const node* scenario() const;

  /// Overwrites what the settings give. `known` may be null: then the keys that only it
  /// could explain are left alone. Call once.
  void lay_over(node& root, const declaration* known);

 private:
  struct setting {
    std::vector<std::string> path;
    place key_at;
    node value;
  };

  void take_set(const char* option, const std::string& given);
  void take_option(const char* name, const std::optional<std::string>& given, std::vector<std::string> path);
  void take_variable(const std::string& variable, std::vector<std::string> path);
  void take_variables_of(const declaration& known);
  bool resolve(setting&, const declaration* known);
  /// One key from two sides of which nobody can tell which was meant.
  void refuse_clashes();
  void apply(node& root, setting&&);
  const source_text& remember(std::string name, std::string text, origin);

  const environment& env_;
  mistakes& wrong_;
  const std::vector<std::string> variables_;
  std::deque<source_text> sources_; ///< places point into them
  std::vector<setting> found_;      ///< weakest first
};

} // namespace troupe::scenarios::file
