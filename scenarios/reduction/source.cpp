#include "scenarios/reduction/source.hpp"

#include "base/files.hpp"
#include "base/utf8.hpp"
#include "runner/plan/json_text.hpp"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <stdexcept>

namespace troupe::scenarios {

using nlohmann::json;

namespace {

class list_source final : public element_source {
 public:
  explicit list_source(std::vector<json> list) : list_(std::move(list)) {}

  element_chunk next(std::uint64_t elements_max) override {
    element_chunk chunk{
        element_chunk::source::list, at_, std::min<std::uint64_t>(elements_max, list_.size() - at_), 0, {}};
    json part = json::array();
    for (std::uint64_t i = 0; i < chunk.count; ++i)
      part.push_back(list_[at_++]);
    chunk.data = dumped(part);
    return chunk;
  }
  std::uint64_t total() const override { return list_.size(); }

 private:
  std::vector<json> list_;
  std::size_t at_ = 0;
};

class range_source final : public element_source {
 public:
  range_source(std::int64_t first, std::uint64_t count) : start_(first), count_(count) {}

  element_chunk next(std::uint64_t elements_max) override {
    const element_chunk chunk{element_chunk::source::range,
                              at_,
                              std::min(elements_max, count_ - at_),
                              start_ + static_cast<std::int64_t>(at_),
                              {}};
    at_ += chunk.count;
    return chunk;
  }
  std::uint64_t total() const override { return count_; }

 private:
  const std::int64_t start_;
  const std::uint64_t count_;
  std::uint64_t at_ = 0;
};

/// Keeps one chunk in memory, however large the file is.
class file_source final : public element_source {
 public:
  explicit file_source(std::string path) : path_(std::move(path)), buffer_(1 << 20) {
    std::string why_not;
    file_ = open_to_read(path_, why_not);
    if (!file_) throw std::runtime_error("cannot open " + path_ + ": " + why_not);
  }

  element_chunk next(std::uint64_t elements_max) override {
    element_chunk chunk{element_chunk::source::lines, at_, 0, static_cast<std::int64_t>(at_ + 1), {}};
    for (; chunk.count < elements_max && append_line(chunk.data); ++chunk.count) {
      ++at_;
      if (chunk.data.size() > chunk_bytes_max)
        throw std::runtime_error(path_ + ':' + std::to_string(at_) + ": this chunk of lines takes more than "
                                 + std::to_string(chunk_bytes_max) + " bytes: choose a smaller chunk");
    }
    return chunk;
  }
  std::uint64_t total() const override { return 0; }

 private:
  /// False at the end of the file.
  bool append_line(std::string& to) {
    const auto begin = to.size();
    while (true) {
      const auto rest = std::string_view{buffer_.data() + from_, filled_ - from_};
      const auto end = rest.find('\n');
      to.append(rest.substr(0, end));
      if (to.size() - begin > line_bytes_max)
        throw std::runtime_error(path_ + ':' + std::to_string(at_ + 1) + ": the line has more than "
                                 + std::to_string(line_bytes_max) + " bytes");
      if (end != std::string_view::npos) {
        from_ += end + 1;
        to += '\n';
        return true;
      }
      if (!refill()) break;
    }
    if (to.size() == begin) return false; // the last line feed ended the last line
    to += '\n';
    return true;
  }

  bool refill() {
    from_ = 0;
    filled_ = read_at(file_.get(), read_, buffer_.data(), buffer_.size());
    if (errno != 0) throw std::runtime_error("cannot read " + path_ + ": " + std::strerror(errno));
    read_ += filled_;
    return filled_ != 0;
  }

  const std::string path_;
  descriptor file_;
  std::uint64_t read_ = 0; ///< bytes
  std::vector<char> buffer_;
  std::size_t from_ = 0, filled_ = 0;
  std::uint64_t at_ = 0; ///< lines read
};

/// What was written without a point is meant as an integer.
json as_written(double x) {
  constexpr double exact_max = 9007199254740992; // 2^53
  if (std::floor(x) == x && std::abs(x) <= exact_max) return static_cast<std::int64_t>(x);
  return x;
}

template <class Fun>
void for_each_line(const element_chunk& chunk, Fun fun) {
  std::string_view rest = chunk.data;
  for (auto line = chunk.start; !rest.empty(); ++line) {
    const auto end = rest.find('\n');
    auto text = rest.substr(0, end);
    if (text.ends_with('\r')) text.remove_suffix(1);
    fun(line, text);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
}

json checked_line(const reduction_operator& op, std::string_view text, std::int64_t line,
                  const std::string& file) {
  try {
    if (!is_utf8(text)) throw std::invalid_argument("the line is not UTF-8");
    return value_of_line(op, text);
  } catch (const std::invalid_argument& e) {
    throw std::runtime_error(file + ':' + std::to_string(line) + ": " + e.what());
  }
}

/// Calls `fun` with the value of each element.
template <class Fun>
void for_each_value(const reduction_operator& op, const element_chunk& chunk, const std::string& file,
                    Fun fun) {
  switch (chunk.kind) {
  case element_chunk::source::list:
    for (auto& element : parsed(chunk.data))
      fun(value_of(op, element));
    return;
  case element_chunk::source::range:
    for (std::uint64_t i = 0; i < chunk.count; ++i)
      fun(value_of(op, chunk.start + static_cast<std::int64_t>(i)));
    return;
  case element_chunk::source::lines:
    for_each_line(chunk,
                  [&](std::int64_t line, std::string_view text) { fun(checked_line(op, text, line, file)); });
    return;
  }
}

/// Few enough to stay in memory where every line is as long as it may be.
constexpr std::uint64_t sequential_chunk = 16;

} // namespace

std::unique_ptr<element_source> open_source(const source_settings& what) {
  if (!what.file.empty()) return std::make_unique<file_source>(what.file);
  if (what.count != 0) return std::make_unique<range_source>(what.first, what.count);
  std::vector<json> list;
  for (const bool flag : what.flags)
    list.emplace_back(flag);
  if (list.empty())
    for (const double input : what.inputs)
      list.push_back(as_written(input));
  return std::make_unique<list_source>(std::move(list));
}

json fold(const reduction_operator& op, const element_chunk& chunk, const std::string& file) {
  json result;
  bool first = true;
  for_each_value(op, chunk, file, [&](json value) {
    result = std::exchange(first, false) ? std::move(value) : op.join(std::move(result), value);
  });
  return first ? op.identity : result;
}

json fold_all(const reduction_operator& op, const source_settings& what) {
  json result = op.identity;
  const auto source = open_source(what);
  bool first = true;
  for (auto chunk = source->next(sequential_chunk); chunk.count != 0; chunk = source->next(sequential_chunk))
    for_each_value(op, chunk, what.file, [&](json value) {
      result = std::exchange(first, false) ? std::move(value) : op.join(std::move(result), value);
    });
  return result;
}

std::vector<json> first_values(const reduction_operator& op, const source_settings& what) {
  std::vector<json> result;
  constexpr std::uint64_t looked_at = 12;
  const auto chunk = open_source(what)->next(looked_at);
  try {
    for_each_value(op, chunk, what.file, [&](json value) { result.push_back(std::move(value)); });
  } catch (const std::runtime_error&) {
    // A malformed line is told when the run gets there, with its number.
  }
  return result;
}

} // namespace troupe::scenarios
