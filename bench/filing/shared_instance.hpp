// An instance that forked processes share, without names: what MemoryInstance is within one
// process.
#pragma once

#include <deque>

#include "bench/machine/pair.hpp"
#include "core/instance.hpp"

namespace sluice::bench {

class SharedInstance {
 public:
  SharedInstance(const PipelineConfig& config, const RunIdentity& run);
  [[nodiscard]] Objects& objects() noexcept { return objects_; }

 private:
  std::deque<Mapping> memory_;
  Objects objects_;
};

}  // namespace sluice::bench
