// Beginning and end of a run: what a dead run left is reclaimed, segments are created, everything
// that was created is removed again.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "core/instance.hpp"

namespace sluice {

// A kill level that outlives its run.
struct LatchedLevel {
  std::string scope;  // "global", "gateway:paper", "strategy:momentum_buying", "instrument:BTCUSDT"
  KillLevel level = KillLevel::Halt;
  friend bool operator==(const LatchedLevel&, const LatchedLevel&) = default;
};
std::string scope_name(const ControlPage& control, Scope scope);

// <state_dir>/kill.latch: levels that were raised and never rearmed. Text, one "<scope> <LEVEL>"
// per line, replaced atomically and synced.
std::vector<LatchedLevel> load_latch(const std::filesystem::path& state_dir);
bool store_latch(const std::filesystem::path& state_dir,
                 const std::vector<LatchedLevel>& levels) noexcept;

// Exchanges every word for ENDED (a raiser that meets it raises in the next run) and returns what
// they held.
std::vector<LatchedLevel> end_words(KillPage& kill, const ControlPage& control);

void add_levels(std::vector<LatchedLevel>& to, const std::vector<LatchedLevel>& more);
std::vector<LatchedLevel> raised_levels(const KillPage& kill, const ControlPage& control);

// Ends whatever run of this instance is in shared memory and whose supervisor is dead: fences every
// living holder of a lease, adds the levels that the kill words hold to `latched` and has them kept
// on disk
// (`keep`, which throws if it cannot), exchanges every word for ENDED, zeroes magic, unlinks.
// Throws Error while its supervisor lives, and for a run that this build cannot read.
void reclaim(const std::string& instance, std::vector<LatchedLevel>& latched,
             const std::function<void()>& keep);

class Run {
 public:
  // Creates every segment; throws Error and leaves nothing behind if one cannot be created.
  Run(const PipelineConfig& config, std::uint64_t config_hash, const std::string& config_bytes);
  ~Run();  // ends and removes
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  void publish() noexcept;  // magic of every segment, the control page last
  [[nodiscard]] Objects& objects() noexcept { return objects_; }
  [[nodiscard]] std::uint16_t ordinal() const noexcept { return ordinal_; }

 private:
  void create(const PipelineConfig& config, const RunIdentity& identity);

  std::string instance_;
  std::uint16_t ordinal_ = 0;
  std::vector<std::string> names_;
  std::vector<Segment> segments_;
  Objects objects_;
};

}  // namespace sluice
