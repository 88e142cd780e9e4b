#include "bench/baseline/source.hpp"
#include "bench/hop/hop.hpp"

namespace sluice::bench {
namespace {

// Below the bar for a push, differences are a matter of where the host has put the two CPUs.
constexpr double kPushBarNs = 2.5;

class HopSource final : public Source {
 public:
  explicit HopSource(const Setting& setting) : plan_{.cpus = setting.cpus, .rounds = 1} {}

  std::vector<Reading> turn() override {
    const HopResult seen = run_hop(plan_).front();
    return {
        {{.name = "hop.rtt", .unit = "x"}, seen.rtt_ratio},
        {{.name = "hop.single", .unit = "x", .better = Better::Higher}, seen.single_ratio},
        {{.name = "hop.push", .unit = "ns", .resolution = kPushBarNs}, seen.push_ns},
        {{.name = "hop.rtt_ns", .unit = "ns", .role = Role::Shown}, seen.rtt_ns},
        {{.name = "hop.single_mps", .unit = "M/s", .better = Better::Higher, .role = Role::Shown},
         seen.single_mps},
    };
  }

 private:
  HopPlan plan_;
};

}  // namespace

std::unique_ptr<Source> make_hop_source(const Setting& setting) {
  return std::make_unique<HopSource>(setting);
}

}  // namespace sluice::bench
