#include "tools/venue/book.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <iterator>

#include "core/decimal.hpp"
#include "core/types.hpp"

namespace sluice::venue {
namespace {

template <class Side>
void set_levels(Side& side, const simdjson::dom::element& parent, const char* key) {
  simdjson::dom::array levels;
  if (parent[key].get(levels) != simdjson::SUCCESS) return;
  for (const simdjson::dom::element level : levels) {
    std::string_view price_text;
    std::string_view qty_text;
    std::int64_t price = 0;
    std::int64_t qty = 0;
    if (level.at(0).get(price_text) != simdjson::SUCCESS ||
        level.at(1).get(qty_text) != simdjson::SUCCESS ||
        parse_decimal(price_text, price) != DecimalError::None ||
        parse_decimal(qty_text, qty) != DecimalError::None) {
      continue;
    }
    if (qty == 0) {
      side.erase(price);
    } else {
      side[price] = qty;
    }
  }
}

template <class Side>
void write_levels(fmt::memory_buffer& out, const Side& side, std::size_t limit) {
  std::size_t written = 0;
  for (const auto& [price, qty] : side) {
    if (written == limit) break;
    fmt::format_to(std::back_inserter(out), "{}[\"{}.{:08}\",\"{}.{:08}\"]",
                   written == 0 ? "" : ",", price / kScale, price % kScale, qty / kScale,
                   qty % kScale);
    ++written;
  }
}

}  // namespace

void Book::rewind() {
  bids_.clear();
  asks_.clear();
  position_ = 0;
  last_update_id_ = 0;
  changed_ = false;
  if (!tape_.snapshot()) return;
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (parser.parse(tape_.lines()[*tape_.snapshot()].text).get(root) != simdjson::SUCCESS) return;
  if (root["lastUpdateId"].get(last_update_id_) != simdjson::SUCCESS) return;
  set_levels(bids_, root, "bids");
  set_levels(asks_, root, "asks");
}

void Book::apply(const Line& line) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  if (parser.parse(line.data).get(root) != simdjson::SUCCESS ||
      root["U"].get(first) != simdjson::SUCCESS || root["u"].get(last) != simdjson::SUCCESS ||
      last <= last_update_id_) {
    return;
  }
  last_update_id_ = last;
  changed_ = true;
  set_levels(bids_, root, "b");
  set_levels(asks_, root, "a");
}

void Book::advance(std::size_t position) {
  if (position < position_) rewind();
  // A snapshot is as old as the moment it was asked for: updates recorded before it arrived may be
  // newer than it, and count only once the tape has passed it.
  if (tape_.snapshot() && position <= *tape_.snapshot() + 1) return;
  for (; position_ < position; ++position_) {
    if (tape_.lines()[position_].depth) apply(tape_.lines()[position_]);
  }
}

std::string Book::snapshot(std::size_t position, std::size_t limit) {
  advance(position);
  if (!changed_ && tape_.snapshot() && bids_.size() <= limit && asks_.size() <= limit) {
    return std::string(tape_.lines()[*tape_.snapshot()].text);
  }
  fmt::memory_buffer out;
  fmt::format_to(std::back_inserter(out), "{{\"lastUpdateId\":{},\"bids\":[", last_update_id_);
  write_levels(out, bids_, limit);
  fmt::format_to(std::back_inserter(out), "],\"asks\":[");
  write_levels(out, asks_, limit);
  fmt::format_to(std::back_inserter(out), "]}}");
  return fmt::to_string(out);
}

}  // namespace sluice::venue
