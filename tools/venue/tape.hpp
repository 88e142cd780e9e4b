// A recorded session of one venue in memory: lines of "<receive ns> <JSON>", gzip-compressed on
// disk.
//
// A line is either a combined-stream message {"stream":NAME,"data":{...}} or, at most once, a raw
// REST depth snapshot {"lastUpdateId":...}. Loading checks every line (JSON, shape, time never
// backwards) and names the first bad one; after that nothing about a tape can fail. Immutable;
// lines are views into it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::venue {

using StreamMask = std::uint64_t;  // bit i: streams()[i]

struct Line {
  std::int64_t recv_ns;   // when it was received, Unix ns of the recording host
  std::string_view text;  // the JSON, verbatim
  std::string_view data;  // its "data" object; for the snapshot the whole text
  StreamMask stream;      // one bit; 0 for the snapshot
  bool depth;             // of a depth stream
};

class Tape {
 public:
  // Throws Error: Exit::Usage if the file is missing, unreadable or not gzip, Exit::No if what is
  // in it is damaged.
  static Tape load(const std::filesystem::path& path);
  // The uncompressed text; `name` stands in the errors.
  static Tape parse(std::string text, const std::string& name);

  [[nodiscard]] std::span<const Line> lines() const noexcept { return lines_; }
  [[nodiscard]] std::span<const std::string> streams() const noexcept { return streams_; }
  [[nodiscard]] std::optional<StreamMask> stream(std::string_view name) const noexcept;
  [[nodiscard]] std::optional<std::size_t> snapshot() const noexcept {
    return snapshot_;
  }  // its index
  [[nodiscard]] const std::string& symbol() const noexcept {
    return symbol_;
  }  // of the depth, "BTCUSDT"
  // Venue clock minus the recording host's clock, from the first message that carries its event
  // time.
  [[nodiscard]] std::int64_t clock_offset_ns() const noexcept { return clock_offset_ns_; }

 private:
  struct Builder;
  Tape() = default;

  std::unique_ptr<std::string> text_;  // behind a pointer, so that moving a tape moves no line
  std::vector<Line> lines_;
  std::vector<std::string> streams_;
  std::optional<std::size_t> snapshot_;
  std::string symbol_;
  std::int64_t clock_offset_ns_ = 0;
};

// The lines of a tape from `first` up to and without `last`, as indices.
struct Part {
  std::size_t first = 0;
  std::size_t last = 0;
};
// `from` and `to` count lines from 1 and include both ends; to = 0: up to the last one. seconds > 0
// bounds the part by time instead. Throws Error (Exit::Usage) in the words of the command line.
[[nodiscard]] Part part_of(const Tape& tape, std::size_t from, std::size_t to,
                           std::int64_t seconds);

}  // namespace sluice::venue
