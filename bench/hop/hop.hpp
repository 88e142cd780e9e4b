// `sluice-bench hop`: what one hop between two processes costs, beside the floor of the machine and
// beside other libraries that do the same work in the same run.
#pragma once

#include <string>
#include <vector>

#include "bench/machine/pair.hpp"

namespace sluice::bench {

struct HopPlan {
  Cpus cpus = {};
  std::size_t rounds = 11;
  bool tap = false;  // ours with a tap that reads along as well
  bool peers = false;
};

// Of a comparison round by round: median and quartiles.
struct Band {
  double median = 0, low = 0, high = 0;
};

// Medians over the rounds. In each of them a contender is measured between two looks at its floor,
// again until these agree: the host of a guest moves its CPUs between placements whose costs differ
// by ten, within seconds. A round in which they never did counts, and is not clean.
struct HopResult {
  std::string name;
  double rtt_ns = 0;
  double floor_ns = 0;
  double rtt_ratio = 0;  // the median of the rounds' ratios
  double single_mps = 0;
  double stream_floor_mps = 0;
  double single_ratio = 0;  // likewise
  double batch_mps = 0;     // 16 at once; 0: it has no call for that
  double push_ns = 0;
  double rtt_ratio_low = 0;  // quartiles of the rounds' ratios
  double rtt_ratio_high = 0;
  // This contender beside ours in the same round, each by its own floor.
  Band rtt_beside;     // ratio; above 1: it is slower
  Band single_beside;  // ratio; below 1: it carries less
  Band push_beside;    // ns more than ours
  std::size_t rounds = 0;
  std::size_t clean = 0;  // rounds whose floor was the same before and behind the contender
};

// Interleaved: in each round every contender once, each round begins with another one. Throws Error
// if a contender lost, tore or changed a record.
std::vector<HopResult> run_hop(const HopPlan& plan);

std::string hop_table(const HopPlan& plan, const std::vector<HopResult>& results);
std::string hop_json(const HopPlan& plan, const std::vector<HopResult>& results);

}  // namespace sluice::bench
