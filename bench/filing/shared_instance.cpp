#include "bench/filing/shared_instance.hpp"

namespace sluice::bench {

SharedInstance::SharedInstance(const PipelineConfig& config, const RunIdentity& run) {
  for (const ObjectPlan& plan : plan_objects(config)) {
    void* memory = memory_.emplace_back(plan.bytes).data();
    fill_header(*static_cast<SegmentHeader*>(memory), plan, config, run);
    bind(objects_, plan, memory);
  }
  fill_control(*objects_.control, config, run);
  fill_kill(*objects_.kill, *objects_.control);
  for (Mapping& memory : memory_) Segment::publish(*static_cast<SegmentHeader*>(memory.data()));
}

}  // namespace sluice::bench
