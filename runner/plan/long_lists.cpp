#include "runner/plan/long_lists.hpp"

#include "base/utf8.hpp"
#include "runner/plan/json_text.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace troupe::scenarios {

using nlohmann::json;

namespace {

constexpr std::string_view cut_suffix = "_cut";
constexpr std::string_view file_suffix = ".jsonl";
/// Lines that go to the file together.
constexpr std::size_t lines_bytes_together = 64U << 10;

/// Names come from scenarios and from other programs: none leads elsewhere.
bool is_file_name(std::string_view name) {
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-'
           || c == '.';
  };
  return !name.empty() && name.size() <= 200 && name.front() != '.'
         && std::all_of(name.begin(), name.end(), is_plain);
}

} // namespace

json told_of_cut(std::size_t shown, std::uint64_t of, const std::string& name) {
  return {{"shown", shown}, {"of", of}, {"all_in", name + std::string{file_suffix}}};
}

std::uint64_t length_of_list(const json& result, const std::string& name) {
  const auto& list = result.at(name);
  const auto told = result.find(name + std::string{cut_suffix});
  return told != result.end() ? told->at("of").get<std::uint64_t>() : list.size();
}

// -- the list --------------------------------------------------------------------------------

long_list::long_list(std::string name, std::uint64_t expected)
    : name_(std::move(name)), has_file_(expected > list_shown_max) {}

void long_list::add(std::size_t place, std::string_view element) {
  ++count_;
  const bool fits = bytes_ + element.size() <= list_shown_bytes_max;
  if (place < list_shown_max && fits) {
    if (shown_.size() <= place) shown_.resize(place + 1);
    shown_[place] = element;
    bytes_ += element.size();
  } else {
    has_file_ = true;
  }
  const auto before = waiting_.size();
  waiting_.append(element).push_back('\n');
  // JSON of other programs may be spread over lines; in its strings no line ends.
  std::replace(waiting_.begin() + static_cast<std::ptrdiff_t>(before), waiting_.end() - 1, '\n', ' ');
  std::replace(waiting_.begin() + static_cast<std::ptrdiff_t>(before), waiting_.end() - 1, '\r', ' ');
}

std::optional<long_list::lines> long_list::take(bool all) {
  if (!has_file_ || waiting_.empty() || (!all && waiting_.size() < lines_bytes_together)) return std::nullopt;
  return lines{name_, std::exchange(waiting_, {})};
}

std::string long_list::members() const {
  const auto end = std::find(shown_.begin(), shown_.end(), std::string{});
  auto text = dumped(name_) + ":[";
  for (auto each = shown_.begin(); each != end; ++each) {
    if (each != shown_.begin()) text += ',';
    text += *each;
  }
  text += ']';
  const auto shown = static_cast<std::size_t>(end - shown_.begin());
  if (shown < count_)
    text += ',' + dumped(name_ + std::string{cut_suffix}) + ':' + dumped(told_of_cut(shown, count_, name_));
  return text;
}

// -- the files -------------------------------------------------------------------------------

long_list_files::~long_list_files() { close(); }

long_list_files::file& long_list_files::open(const std::string& name) {
  if (files_.size() >= list_files_max && !files_.contains(name)) {
    auto& none = files_[{}];
    none.problem = "a run writes down at most " + std::to_string(list_files_max) + " long lists";
    return none;
  }
  auto [found, is_new] = files_.try_emplace(name);
  auto& each = found->second;
  if (!is_new) return each;
  if (!is_file_name(name)) {
    each.problem =
        "a list of the result cannot be written down: " + json_text(name) + " is no name for a file";
    return each;
  }
  each.path = directory_ / (name + std::string{file_suffix});
  each.descriptor = ::open(each.path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (each.descriptor < 0) each.problem = "cannot create " + each.path.string() + ": " + std::strerror(errno);
  return each;
}

void long_list_files::write(file& where, std::string_view lines) {
  if (!where.problem.empty()) return;
  const auto all = json_printable(std::string{lines});
  for (std::string_view left = all; !left.empty();) {
    const auto count = ::write(where.descriptor, left.data(), left.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      const auto why = count < 0 ? errno : ENOSPC;
      const auto written = std::string_view{all}.substr(0, all.size() - left.size());
      where.bytes += written.rfind('\n') + 1; // npos + 1 is 0
      where.problem = "cannot write " + where.path.string() + ": " + std::strerror(why)
                      + "; what follows of this list is not written";
      // So that what is there can be read.
      if (::ftruncate(where.descriptor, static_cast<off_t>(where.bytes)) != 0)
        where.problem += ", its end is cut";
      return;
    }
    left.remove_prefix(static_cast<std::size_t>(count));
  }
  where.bytes += all.size();
  where.lines += static_cast<std::uint64_t>(std::count(all.begin(), all.end(), '\n'));
}

std::string long_list_files::append(const std::string& name, std::string_view lines) {
  const std::lock_guard lock{mutex_};
  auto& where = open(name);
  write(where, lines);
  return where.problem.empty() || std::exchange(where.told, true) ? std::string{} : where.problem;
}

/// Messages with lines may be lost, where the list was made on another node.
void long_list_files::compare(const json& told, const std::string& name) {
  if (!told.is_object() || told.value("all_in", json{}) != name + std::string{file_suffix}) return;
  auto& list = open(name);
  if (list.problem.empty() && told.value("of", json{}) != list.lines)
    list.problem = list.path.string() + " has " + std::to_string(list.lines) + " of "
                   + json_text(told.value("of", json{})) + " elements: the others have not come";
}

void long_list_files::cut(json& object, const std::string& prefix) {
  std::vector<std::string> keys;
  for (auto& [key, value] : object.items())
    keys.push_back(key);
  for (auto& key : keys) {
    auto& value = object[key];
    const auto name = prefix.empty() ? key : prefix + '.' + key;
    if (value.is_object()) cut(value, name);
    if (const auto told = object.find(key + std::string{cut_suffix}); told != object.end())
      compare(*told, name);
    if (!value.is_array() || value.size() <= list_shown_max || object.contains(key + std::string{cut_suffix}))
      continue;
    auto& where = open(name);
    std::string lines;
    for (const auto& element : value) {
      lines += json_text(element) + '\n';
      if (lines.size() >= lines_bytes_together) write(where, std::exchange(lines, {}));
    }
    write(where, lines);
    const auto length = value.size();
    value.erase(value.begin() + list_shown_max, value.end());
    object[key + std::string{cut_suffix}] = told_of_cut(list_shown_max, length, name);
  }
}

void long_list_files::cut(json& result) {
  const std::lock_guard lock{mutex_};
  if (result.is_object()) cut(result, {});
}

std::vector<std::string> long_list_files::close() {
  const std::lock_guard lock{mutex_};
  std::vector<std::string> problems;
  for (auto& [name, each] : files_) {
    if (each.descriptor >= 0 && ::close(std::exchange(each.descriptor, -1)) != 0 && each.problem.empty())
      each.problem = "cannot write " + each.path.string() + ": " + std::strerror(errno);
    if (!each.problem.empty()) problems.push_back(each.problem);
  }
  return problems;
}

} // namespace troupe::scenarios
