// A whole instance in /dev/shm, created the way the supervisor does it; removed by its
// UniqueInstance.
#pragma once

#include <vector>

#include "core/instance.hpp"
#include "tests/support/names.hpp"
#include "tests/support/toy_config.hpp"

namespace sluice::test {

class ShmInstance {
 public:
  explicit ShmInstance(const std::string& name, ToySizes sizes = {},
                       const RunIdentity& run = toy_run())
      : config_(toy_config(sizes, name)) {
    for (const ObjectPlan& plan : plan_objects(config_)) {
      segments_.push_back(Segment::create(segment_name(name, plan.object), plan.bytes));
      fill_header(*segments_.back().as<SegmentHeader>(), plan, config_, run);
      bind(objects_, plan, segments_.back().data());
    }
    fill_control(*objects_.control, config_, run);
    fill_kill(*objects_.kill, *objects_.control);
    for (std::size_t i = segments_.size(); i-- > 0;)
      Segment::publish(*segments_[i].as<SegmentHeader>());
  }
  [[nodiscard]] Objects& objects() noexcept { return objects_; }
  [[nodiscard]] const PipelineConfig& config() const noexcept { return config_; }

 private:
  PipelineConfig config_;
  std::vector<Segment> segments_;
  Objects objects_;
};

}  // namespace sluice::test
