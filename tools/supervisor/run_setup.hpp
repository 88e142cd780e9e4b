// Beginning and end of a run: its segments are created, or taken over from a dead supervisor, and
// removed when it is over.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/instance.hpp"

namespace sluice {

class Run {
 public:
  struct Release {  // what must agree between the processes of a run
    std::string build_id;
    std::uint64_t config_hash = 0;
  };

  // Creates every segment; throws Error and leaves nothing behind if one cannot be created.
  static std::unique_ptr<Run> create(const PipelineConfig& config, std::uint64_t config_hash,
                                     const std::string& config_bytes);
  // Maps the run that a dead supervisor left, nothing of it changed. Null if there is none that may
  // be taken over, and then `why_not` says why (empty: there is none). Throws Error if it is the
  // right one and cannot be mapped.
  static std::unique_ptr<Run> adopt(const PipelineConfig& config, const Release& release,
                                    std::string& why_not);
  ~Run();  // unmaps; removes what was never published
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  void publish() noexcept;  // magic of every segment, the control page last
  // Zeroes every magic and unlinks. The kill words must have been ended before.
  void end() noexcept;
  // Whether the names of the control and kill pages still lead to what is mapped here; empty if so.
  // If not, sluicectl would look at, and raise a kill in, pages that nobody reads.
  [[nodiscard]] std::string replaced() const;
  [[nodiscard]] FileId file_of(Process page) const noexcept;  // behind that process's page
  [[nodiscard]] Objects& objects() noexcept { return objects_; }
  [[nodiscard]] std::uint16_t ordinal() const noexcept {
    return objects_.control->header.run_ordinal;
  }

 private:
  explicit Run(std::string instance) : instance_(std::move(instance)) {}
  void fill(const PipelineConfig& config, const RunIdentity& identity);

  std::string instance_;
  std::vector<std::string> names_;
  std::vector<Segment> segments_;
  Objects objects_;
  bool published_ = false;
};

}  // namespace sluice
