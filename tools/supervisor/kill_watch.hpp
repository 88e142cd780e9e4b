// The supervisor's side of the kill page: every raise is latched on disk and completed, in case the
// raiser died in between; a rearm needs the completion, an operator, a reason and the exact word.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "core/instance.hpp"
#include "tools/supervisor/audit.hpp"
#include "tools/supervisor/children.hpp"
#include "tools/supervisor/latch.hpp"

namespace sluice {

class KillWatch {
 public:
  KillWatch(Objects& objects, Children& children, Audit& audit, const SupervisorConfig& config,
            std::filesystem::path state_dir, std::function<void(const std::string&)> say);

  // Raises in this run what an earlier run left latched.
  void carry(const std::vector<LatchedLevel>& levels);

  // Call every few ms: latches new raises, waits for the gates, fences those that do not obey.
  void poll(std::uint64_t now_ns);

  [[nodiscard]] bool any_raised() const noexcept;
  struct Rearm {
    bool done = false;
    std::string text;
  };
  Rearm rearm(Scope scope, std::uint64_t word, std::string_view who, std::string_view reason,
              std::uint64_t now_ns);
  // What is missing of an operator's name and reason, one line each; empty if nothing is.
  static std::string unsigned_by(std::string_view who, std::string_view reason);
  // Ends all words; what they held stays latched.
  void end();

 private:
  struct Watched {
    bool seen = false;       // a zero word is HALT as well: it must not pass for one seen before
    std::uint64_t word = 0;  // as last seen
    std::uint64_t seen_ns = 0;
    std::uint64_t target = 0;       // serial the gates must obey
    std::uint64_t complete_ns = 0;  // KILL_COMPLETE of exactly this word; 0 = not yet
    std::uint64_t fenced_ns = 0;    // last attempt to fence a gate for it
  };

  struct News {
    std::string event;
    std::string text;
  };

  bool notice(std::size_t slot, std::uint64_t word, std::uint64_t now_ns);
  void complete(std::size_t slot, std::uint64_t now_ns);
  [[nodiscard]] bool obeyed(Process gate, std::uint64_t target) const noexcept;
  void latch();
  [[nodiscard]] std::string failing(std::size_t slot, std::uint64_t word, std::string_view who,
                                    std::string_view reason, std::uint64_t now_ns) const;

  Objects& objects_;
  Children& children_;
  Audit& audit_;
  SupervisorConfig config_;
  std::filesystem::path state_dir_;
  std::function<void(const std::string&)> say_;
  std::array<Watched, kScopes> watched_{};
  bool ended_ = false;
  std::vector<News> news_;  // to be audited and said once the quick work is done
};

}  // namespace sluice
