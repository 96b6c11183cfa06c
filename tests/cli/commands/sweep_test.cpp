#include "cli/commands/sweep_series.hpp"
#include "tests/support/catch.hpp"

using namespace troupe::cli;

namespace {

std::vector<std::string> values_of(const std::string& text) {
  std::string error;
  const auto key = parse_varied_key(text, error);
  INFO(error);
  REQUIRE(key);
  return key->values;
}

std::string refusal_of(const std::string& text) {
  std::string error;
  CHECK_FALSE(parse_varied_key(text, error));
  return error;
}

sweep_point point(sweep_values values, std::vector<double> times) {
  sweep_point result;
  result.values = std::move(values);
  for (const auto t : times)
    result.runs.push_back({"passed", t, "runs/x", true});
  return result;
}

} // namespace

TEST_CASE("what varies is a range, a range with a step or a factor, or a list", "[sweep]") {
  using list = std::vector<std::string>;
  CHECK(values_of("workers=1..4") == list{"1", "2", "3", "4"});
  CHECK(values_of("workers=1..8:3") == list{"1", "4", "7"});
  CHECK(values_of("workers=1..16:*2") == list{"1", "2", "4", "8", "16"});
  CHECK(values_of("share=0..1:0.25") == list{"0.0", "0.25", "0.5", "0.75", "1.0"});
  CHECK(values_of("share=0.1..1:0.1").size() == 10);
  CHECK(values_of("strategy=ordered,waiter") == list{"ordered", "waiter"});
  CHECK(values_of("items=-2..0") == list{"-2", "-1", "0"});
  CHECK(values_of("workers=3..3") == list{"3"});
}

TEST_CASE("what cannot vary is refused with a reason", "[sweep]") {
  CHECK(refusal_of("workers").find("is not KEY=") != std::string::npos);
  CHECK(refusal_of("=1..2").find("is not KEY=") != std::string::npos);
  CHECK(refusal_of("n=5..1").find("before it begins") != std::string::npos);
  CHECK(refusal_of("n=1..5:0").find("a step must be") != std::string::npos);
  CHECK(refusal_of("n=1..5:*1").find("a factor must be") != std::string::npos);
  CHECK(refusal_of("n=0..5:*2").find("above 0") != std::string::npos);
  CHECK(refusal_of("n=a..5").find("in numbers") != std::string::npos);
  CHECK(refusal_of("workers=4,5,4.0").find("4.0 is given twice") != std::string::npos);
  CHECK(refusal_of("task=a,b,a").find("a is given twice") != std::string::npos);
  CHECK(refusal_of("n=1..1e99").find("more than 10000 values") != std::string::npos);
}

TEST_CASE("several keys make a grid, whose first key varies fastest", "[sweep]") {
  const auto all = all_combinations({{"a", {"1", "2"}}, {"b", {"x", "y"}}});
  CHECK(all == std::vector<sweep_values>{{"1", "x"}, {"2", "x"}, {"1", "y"}, {"2", "y"}});
}

TEST_CASE("Amdahl's law is found in times that follow it", "[sweep]") {
  std::vector<std::pair<double, double>> samples;
  for (const double n : {1., 2., 4., 8.})
    samples.emplace_back(n, 10 * (0.2 + 0.8 / n));
  const auto fit = fit_amdahl(samples);
  REQUIRE(fit);
  CHECK(fit->serial == Approx(0.2));
  CHECK(fit->t1_s == Approx(10));
  CHECK(fit->serial_error == Approx(0).margin(1e-9));
  CHECK(fit->r2 == Approx(1));
  CHECK(fit->time_at(16) == Approx(2.5));
}

TEST_CASE("the error of the serial share is that of the least squares", "[sweep]") {
  // In exact fractions: a = 2, b = 8.0571429, variance 0.0457143 with one degree of freedom,
  // its covariance matrix carried to a / (a + b).
  const auto fit = fit_amdahl({{1, 10}, {2, 6.2}, {4, 3.9}});
  REQUIRE(fit);
  CHECK(fit->t1_s == Approx(10.0571429));
  CHECK(fit->serial == Approx(0.1988636));
  CHECK(fit->serial_error == Approx(0.0280075));
}

TEST_CASE("two samples fit exactly and tell no error; less, or n = 0, fit nothing", "[sweep]") {
  const auto two = fit_amdahl({{1, 10}, {2, 6}});
  REQUIRE(two);
  CHECK(two->exact);
  CHECK(two->serial == Approx(0.2));
  CHECK_FALSE(fit_amdahl({{1, 10}}));
  CHECK_FALSE(fit_amdahl({{1, 10}, {1, 11}}));
  CHECK_FALSE(fit_amdahl({{0, 10}, {1, 11}}));
}

TEST_CASE("speed-up is against the first value, by medians, series by series", "[sweep]") {
  const auto result = evaluate("pool", {{"workers", {"1", "2"}}, {"mode", {"a", "b"}}},
                               {point({"1", "a"}, {4, 5, 9}), point({"2", "a"}, {2.5, 2.5, 2.5}),
                                point({"1", "b"}, {8}), point({"2", "b"}, {8})});
  REQUIRE(result.series.size() == 2);
  CHECK(result.series[0].points[1].speedup == Approx(2));
  CHECK(result.series[0].points[1].efficiency == Approx(1));
  CHECK(result.series[1].points[1].speedup == Approx(1));
  CHECK(result.series[1].points[1].efficiency == Approx(0.5));
  CHECK(result.series[1].fit->serial == Approx(1));
}

TEST_CASE("a run that did not pass is shown and left out of every figure", "[sweep]") {
  auto bad = point({"2"}, {1});
  bad.runs[0] = {"deadlock", 0.1, "runs/x", false};
  const auto result =
      evaluate("pool", {{"workers", {"1", "2", "4"}}}, {point({"1"}, {4}), bad, point({"4"}, {1})});
  CHECK(result.series[0].points[1].speedup == 0);
  CHECK(result.series[0].fit->exact);
  CHECK(sweep_text(result).plain().find("deadlock") != std::string::npos);
  CHECK(sweep_json(result)["points"][1]["median_s"].is_null());
}

TEST_CASE("the CSV has one line a run, and quotes what needs it", "[sweep]") {
  const auto result = evaluate("pool", {{"names", {"a,b"}}}, {point({"a,b"}, {1, 2})});
  CHECK(sweep_csv(result)
        == "names,repeat,verdict,elapsed_s,run_dir\r\n\"a,b\",1,passed,1,runs/x\r\n\"a,b\",2,passed,2,runs/"
           "x\r\n");
  CHECK(sweep_svg(result).empty()); // no numbers, no axis
}

TEST_CASE("the picture has a mark for every point and escapes names", "[sweep]") {
  const auto svg =
      sweep_svg(evaluate("<pool>", {{"workers", {"1", "2"}}}, {point({"1"}, {4}), point({"2"}, {2})}));
  CHECK(svg.find("&lt;pool&gt;") != std::string::npos);
  std::size_t marks = 0;
  for (auto at = svg.find("<circle"); at != std::string::npos; at = svg.find("<circle", at + 1))
    ++marks;
  CHECK(marks == 2);
}
