// Configuration: TOML behind our own Table, so that every stage parses its section into a plain
// struct and every fault of every section is reported at once, as file:line:col: key: expected,
// got.
//
// Missing, unknown and duplicate keys are faults. A faulty value returns a harmless placeholder so
// that parsing goes on and finds the other faults; Document::check() then throws with all of them.
// Even a syntax error does not hide the rest: the line is set aside and the text is parsed again.
// The only user of toml++ is config.cpp.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/types.hpp"

namespace sluice::config {

struct Fault {
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  std::string text;  // "risk.cooldown_s: expected an integer from 0 to 86400, got \"x\""
};

struct Source;  // the parsed text, its faults, and which keys were asked for
struct Node;    // one table of it

// A handle to one table of the document; it may outlive the Document. Asking for a key marks it as
// known; when the document is checked, every key that nobody asked for is an unknown key.
class Table {
 public:
  Table() = default;  // of no document: reading from it throws Error

  // Bounds are inclusive. Absent or out of bounds: a fault, and `low` is returned.
  [[nodiscard]] std::int64_t integer(std::string_view key, std::int64_t low,
                                     std::int64_t high) const;
  [[nodiscard]] bool boolean(std::string_view key) const;
  [[nodiscard]] std::string text(std::string_view key) const;
  // A text that must be one of the words; returns its index (0 on a fault).
  [[nodiscard]] std::size_t choice(std::string_view key,
                                   const std::vector<std::string_view>& words) const;
  [[nodiscard]] std::vector<std::string> texts(std::string_view key) const;  // array of strings
  // Money, price and quantity are written as strings ("61837.63") and parsed exactly.
  // Bounds are raw values at 1e-8, inclusive.
  [[nodiscard]] std::int64_t decimal(std::string_view key, std::int64_t low,
                                     std::int64_t high) const;
  // A fraction written as a string ("0.004" = 0.4 %), returned in parts per million, exact.
  [[nodiscard]] Ppm fraction(std::string_view key, std::string_view low,
                             std::string_view high) const;
  // The unit is the key's last word: _ns _us _ms _s _m _h. Bounds are in that unit, inclusive.
  [[nodiscard]] Duration duration(std::string_view key, std::int64_t low, std::int64_t high) const;

  [[nodiscard]] bool has(std::string_view key) const;
  [[nodiscard]] Table table(std::string_view key) const;  // absent: a fault, an empty table
  [[nodiscard]] std::vector<Table> tables(std::string_view key) const;  // [[key]]; absent: none
  // A relation that does not hold between values: "must be below stop_loss", placed at the key
  // ("list[1]" is an element), or at the table if the key is empty or absent.
  void fault(std::string_view key, std::string_view what) const;
  // True if the key is there and has no fault so far. A relation is worth checking between sound
  // values only: a placeholder breaks relations that the file does not.
  [[nodiscard]] bool sound(std::string_view key) const;
  // Declares a key known that this program need not read (it belongs to another process). If it is
  // a table, its content is checked for unknown keys only if this program reads from it all the
  // same.
  void ignore(std::string_view key) const;

 private:
  friend class Document;
  explicit Table(std::shared_ptr<const Node> node) : node_(std::move(node)) {}
  [[nodiscard]] const Node& node() const;

  std::shared_ptr<const Node> node_;
};

class Document {
 public:
  // Throws Error (Exit::Usage) if the file cannot be read. Text that cannot be parsed becomes
  // faults.
  static Document load(const std::filesystem::path& path);
  // For tests: `name` stands in the faults.
  static Document parse(std::string_view toml, std::string name);

  [[nodiscard]] Table root() const;
  // Fingerprint of the file's bytes: what the supervisor compares between processes before arming.
  [[nodiscard]] std::uint64_t hash() const noexcept;
  [[nodiscard]] const std::string& bytes() const noexcept;

  // All faults so far plus the unknown keys, in order of position.
  [[nodiscard]] std::vector<Fault> faults() const;
  // Throws Error (Exit::Usage) listing every fault, one per line as file:line:col: text, and their
  // number in a last line, if there is any.
  void check() const;

 private:
  explicit Document(std::shared_ptr<Source> source) : source_(std::move(source)) {}
  std::shared_ptr<Source> source_;
};

}  // namespace sluice::config
