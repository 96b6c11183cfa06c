// Every file in config/ keeps the schema that `troupe schema` prints, by somebody else's validator.
#include "runner/api/scenario.hpp"
#include "runner/file/scenario_file.hpp"
#include "runner/toml/document.hpp"
#include "scenarios/demos.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/text.hpp"

#include <nlohmann/json.hpp>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

using namespace troupe;
using nlohmann::json;
namespace fs = std::filesystem;
namespace file = scenarios::file;

namespace {

json as_json(const file::node& value) {
  json out;
  switch (value.kind) {
  case file::node_kind::text:
    return value.text;
  case file::node_kind::integer:
    return value.integer;
  case file::node_kind::number:
    return value.number;
  case file::node_kind::boolean:
    return value.boolean;
  case file::node_kind::list:
    out = json::array();
    for (const auto& each : value.items)
      out.push_back(as_json(each));
    return out;
  case file::node_kind::table:
    out = json::object();
    for (const auto& each : value.entries)
      out[each.key] = as_json(each.value);
    return out;
  case file::node_kind::date:
  case file::node_kind::broken:
  case file::node_kind::raw:
    FAIL("no scenario file has such a value");
  }
  return out;
}

json read(const fs::path& path) {
  const file::source_text source(path.filename().string(), testing::content_of(path), file::origin::file);
  file::mistakes mistakes;
  const auto document = file::parse_document(source, mistakes);
  REQUIRE(mistakes.empty());
  return as_json(document.root);
}

/// What is wrong with a file by the schema; empty: nothing.
class checker {
 public:
  checker() {
    std::vector<const scenarios::declaration*> known;
    for (const auto* each : scenarios::demos())
      known.push_back(each);
    text_ = scenarios::schema(known);
    valijson::SchemaParser().populateSchema(valijson::adapters::NlohmannJsonAdapter(text_), schema_);
  }
  std::string wrong_with(const json& given) {
    valijson::Validator validator(valijson::Validator::kStrongTypes);
    valijson::ValidationResults results;
    if (validator.validate(schema_, valijson::adapters::NlohmannJsonAdapter(given), &results)) return {};
    std::string all = "refused";
    for (valijson::ValidationResults::Error each; results.popError(each);) {
      all += '\n';
      for (const auto& step : each.context)
        all += step;
      all += ": " + each.description;
    }
    return all;
  }

 private:
  json text_;
  valijson::Schema schema_;
};

std::vector<fs::path> files_of_config() {
  std::vector<fs::path> all;
  for (const auto& entry : fs::directory_iterator{CONFIG_DIR})
    if (entry.path().extension() == ".toml") all.push_back(entry.path());
  std::sort(all.begin(), all.end());
  return all;
}

} // namespace

TEST_CASE("every file in config/ keeps the schema", "[config][schema]") {
  checker check;
  std::size_t count = 0;
  for (const auto& path : files_of_config()) {
    INFO(path.filename());
    CHECK(check.wrong_with(read(path)).empty());
    ++count;
  }
  CHECK(count > 30);
}

TEST_CASE("the schema refuses what no scenario file may have", "[config][schema]") {
  checker check;
  for (const auto& path : files_of_config()) {
    INFO(path.filename());
    const auto good = read(path);
    const auto refused = [&](const std::function<void(json&)>& change) {
      auto bad = good;
      change(bad);
      return !check.wrong_with(bad).empty();
    };
    CHECK(refused([](json& x) { x.erase("scenario"); }));
    CHECK(refused([](json& x) { x["scenario"] = "no_such_scenario"; }));
    CHECK(refused([](json& x) { x["dedline"] = "1s"; }));
    CHECK(refused([](json& x) { x["deadline"] = "soon"; }));
    CHECK(refused([](json& x) { x["parameters"]["no_such_parameter"] = 1; }));
    CHECK(refused([](json& x) { x["topology"]["nodes"] = "two"; }));
    CHECK(refused([](json& x) { x["topology"]["nodes"] = -1; }));
    CHECK(refused([](json& x) { x["topology"]["place"]["no_such_role"] = "main"; }));
  }
}
