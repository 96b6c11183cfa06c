#include "trace/query/filter.hpp"
#include "base/words.hpp"

#include "base/text.hpp"
#include "trace/query/filter_fields.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <optional>

namespace troupe::trace {

using filters::comparison;
using filters::field_info;
using filters::value_type;

struct filter::node {
  enum class op : std::uint8_t { both, either, negation, test };
  op what = op::test;
  std::unique_ptr<node> left, right;
  filters::test condition;
};

namespace {

constexpr int nesting_max = 100;

enum class token_kind : std::uint8_t { end, word, quoted, op, open, close };
struct token {
  token_kind kind = token_kind::end;
  std::string text;
  std::size_t at = 0;
  std::size_t length = 0;
};

class parser {
 public:
  explicit parser(std::string_view text) : text_{text} { advance(); }

  std::unique_ptr<filter::node> whole() {
    if (next_.kind == token_kind::end) return nullptr;
    auto out = either();
    if (next_.kind == token_kind::close) fail(next_, "this parenthesis closes nothing");
    if (next_.kind != token_kind::end)
      fail(next_, fmt::format("expected \"and\", \"or\" or the end here, not \"{}\"", next_.text));
    return out;
  }

 private:
  using node = filter::node;

  [[noreturn]] void fail(const token& where, const std::string& sentence) const {
    throw filter_error(text_, where.at, where.length, sentence);
  }

  static bool blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
  static bool operator_char(char c) { return c == '=' || c == '!' || c == '<' || c == '>' || c == '~'; }

  void advance() {
    while (at_ < text_.size() && blank(text_[at_]))
      ++at_;
    next_ = {token_kind::end, "", at_, 0};
    if (at_ == text_.size()) return;
    auto c = text_[at_];
    if (c == '(' || c == ')') {
      next_ = {c == '(' ? token_kind::open : token_kind::close, std::string{c}, at_, 1};
      ++at_;
    } else if (c == '"' || c == '\'') {
      quoted(c);
    } else if (operator_char(c)) {
      auto end = at_;
      while (end < text_.size() && operator_char(text_[end]))
        ++end;
      next_ = {token_kind::op, std::string{text_.substr(at_, end - at_)}, at_, end - at_};
      at_ = end;
    } else {
      auto end = at_;
      while (end < text_.size() && !blank(text_[end]) && !operator_char(text_[end]) && text_[end] != '('
             && text_[end] != ')' && text_[end] != '"')
        ++end;
      next_ = {token_kind::word, std::string{text_.substr(at_, end - at_)}, at_, end - at_};
      at_ = end;
    }
  }

  void quoted(char quote) {
    auto end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) fail({token_kind::quoted, "", at_, 1}, "this quote is never closed");
    next_ = {token_kind::quoted, std::string{text_.substr(at_ + 1, end - at_ - 1)}, at_, end - at_ + 1};
    at_ = end + 1;
  }

  bool accept(std::string_view word) {
    if (next_.kind != token_kind::word || next_.text != word) return false;
    advance();
    return true;
  }

  static std::unique_ptr<node> join(node::op what, std::unique_ptr<node> left, std::unique_ptr<node> right) {
    auto out = std::make_unique<node>();
    out->what = what;
    out->left = std::move(left);
    out->right = std::move(right);
    return out;
  }

  std::unique_ptr<node> either() {
    auto left = both();
    while (accept("or"))
      left = join(node::op::either, std::move(left), both());
    return left;
  }
  std::unique_ptr<node> both() {
    auto left = unary();
    while (accept("and"))
      left = join(node::op::both, std::move(left), unary());
    return left;
  }
  std::unique_ptr<node> unary() {
    if (++depth_ > nesting_max) fail(next_, fmt::format("nested deeper than {} levels", nesting_max));
    std::unique_ptr<node> out;
    if (accept("not")) {
      out = join(node::op::negation, unary(), nullptr);
    } else if (next_.kind == token_kind::open) {
      auto opening = next_;
      advance();
      out = either();
      if (next_.kind != token_kind::close) fail(opening, "this parenthesis is never closed");
      advance();
    } else {
      out = test();
    }
    --depth_;
    return out;
  }

  std::unique_ptr<node> test() {
    auto name = next_;
    if (name.kind != token_kind::word) fail(name, "expected the name of a field here, as in actor=worker-3");
    auto* field = filters::find_field(name.text);
    if (!field) fail(name, unknown_field(name.text));
    advance();
    auto out = std::make_unique<node>();
    out->condition.field = field->what;
    out->condition.type = field->type;
    out->condition.how = comparison_of(*field, next_);
    advance();
    auto value = next_;
    if (value.kind != token_kind::word && value.kind != token_kind::quoted)
      fail(value, fmt::format("expected what to compare \"{}\" with, {}", field->name,
                              filters::expectation(field->type)));
    if (auto why = filters::set_value(out->condition, value.text); !why.empty()) fail(value, why);
    advance();
    return out;
  }

  static std::string unknown_field(const std::string& name) {
    auto names = filters::field_names();
    auto near = nearest(name, names);
    if (!near.empty()) return fmt::format("there is no field \"{}\"; did you mean \"{}\"?", name, near);
    return fmt::format("there is no field \"{}\"; fields are {}", name, fmt::join(names, ", "));
  }

  comparison comparison_of(const field_info& field, const token& op) const {
    if (op.kind != token_kind::op)
      fail(op, fmt::format("expected one of = != ~ !~ < <= > >= after \"{}\"", field.name));
    auto how = filters::parse_comparison(op.text);
    if (!how) fail(op, fmt::format("\"{}\" compares nothing; expected one of = != ~ !~ < <= > >=", op.text));
    bool pattern = *how == comparison::like || *how == comparison::unlike;
    bool equality = *how == comparison::equal || *how == comparison::unequal;
    bool text = field.type == value_type::text || field.type == value_type::kind;
    if (pattern && !text)
      fail(op, fmt::format("\"{}\" is not text and has no pattern; use = != < <= > >=", field.name));
    if (!pattern && !equality && (text || field.type == value_type::message))
      fail(op, fmt::format("\"{}\" has no order; use = or !={}", field.name,
                           text ? ", or ~ with a pattern" : ""));
    return *how;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  token next_;
  int depth_ = 0;
};

void bind_all(filter::node* n, const model& m) {
  if (!n) return;
  if (n->what == filter::node::op::test) filters::bind(n->condition, m);
  bind_all(n->left.get(), m);
  bind_all(n->right.get(), m);
}

void collect_types(const filter::node* n, std::vector<std::string>& into) {
  if (!n) return;
  if (n->what == filter::node::op::test && n->condition.field == filters::field::type)
    into.push_back(n->condition.text);
  collect_types(n->left.get(), into);
  collect_types(n->right.get(), into);
}

bool evaluate(const filter::node& n, const model& m, row event) {
  switch (n.what) {
  case filter::node::op::both:
    return evaluate(*n.left, m, event) && evaluate(*n.right, m, event);
  case filter::node::op::either:
    return evaluate(*n.left, m, event) || evaluate(*n.right, m, event);
  case filter::node::op::negation:
    return !evaluate(*n.left, m, event);
  case filter::node::op::test:
    return filters::holds(n.condition, m, event);
  }
  return false;
}

} // namespace

filter::filter() = default;
filter::filter(std::string_view text) : root_{parser{text}.whole()} {}
filter::~filter() = default;
filter::filter(filter&&) noexcept = default;
filter& filter::operator=(filter&&) noexcept = default;

std::vector<std::string> filter::types() const {
  std::vector<std::string> all;
  collect_types(root_.get(), all);
  return all;
}

void filter::bind(const model& m) {
  model_ = &m;
  bind_all(root_.get(), m);
}

bool filter::matches(row event) const { return !root_ || evaluate(*root_, *model_, event); }

} // namespace troupe::trace
