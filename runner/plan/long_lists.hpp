// Lists of a run's result that may be very long. The result shows the beginning; of a list that has
// more all is in a file of JSON lines beside result.json, and the result says so:
//
//   "results": [...], "results_cut": {"shown": 1000, "of": 1000000, "all_in": "results.jsonl"}
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::scenarios {

/// Elements of a list that a result shows, and how many bytes of JSON text they may be.
inline constexpr std::size_t list_shown_max = 1'000;
inline constexpr std::size_t list_shown_bytes_max = 16U << 20;
/// Files of long lists that a run may have.
inline constexpr std::size_t list_files_max = 64;

/// What is said of a list that is cut, as the member NAME_cut.
nlohmann::json told_of_cut(std::size_t shown, std::uint64_t of, const std::string& name);
/// How long a member of a result is, or was before it was cut. Throws nlohmann::json::exception
/// where there is none.
std::uint64_t length_of_list(const nlohmann::json& result, const std::string& name);

/// A list that grows while a run is on, for the actor that makes it: it sends what take() returns to
/// run::collector() and in the end puts members() into its result. Not thread-safe.
class long_list {
 public:
  /// `expected`: how many elements there will be, as far as that is known.
  explicit long_list(std::string name, std::uint64_t expected = 0);

  /// The element for this place of the list, as JSON text; each once, in any order, which is that of the
  /// file.
  void add(std::size_t place, std::string_view element);
  struct lines {
    std::string name;
    std::string text; ///< an element a line
  };
  /// What there is for the file; unless `all`, only when it is worth a message.
  std::optional<lines> take(bool all);
  /// "NAME":[...], and what is told of a list that was cut.
  std::string members() const;

 private:
  std::string name_;
  bool has_file_;
  std::uint64_t count_ = 0, bytes_ = 0;
  std::vector<std::string> shown_; ///< by place; empty: not there
  std::string waiting_;            ///< for the file
};

/// The files of long lists in a run directory. Thread-safe.
class long_list_files {
 public:
  explicit long_list_files(std::filesystem::path directory) : directory_(std::move(directory)) {}
  ~long_list_files();
  long_list_files(const long_list_files&) = delete;
  long_list_files& operator=(const long_list_files&) = delete;

  /// Appends lines to NAME.jsonl. What to say when it fails for the first time; else nothing.
  std::string append(const std::string& name, std::string_view lines);
  /// Cuts the lists of a result that are too long, after writing them down; of those that it says are
  /// cut all must have come.
  void cut(nlohmann::json& result);
  /// Closes the files; why some are not whole, a sentence each.
  std::vector<std::string> close();

 private:
  struct file {
    int descriptor = -1;
    std::filesystem::path path;
    std::uint64_t bytes = 0, lines = 0; ///< whole ones
    std::string problem;
    bool told = false; ///< by append()
  };
  file& open(const std::string& name);
  void write(file&, std::string_view lines);
  void cut(nlohmann::json& object, const std::string& prefix);
  void compare(const nlohmann::json& told, const std::string& name);

  const std::filesystem::path directory_;
  std::mutex mutex_;
  std::map<std::string, file> files_;
};

} // namespace troupe::scenarios
