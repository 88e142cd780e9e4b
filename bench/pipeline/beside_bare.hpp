// The pipeline beside the same topology without work (bench/pipeline/bare.hpp): same CPUs, same
// wait strategy, same rate, blocks of both in turn, so that a drift of the machine meets both.
#pragma once

#include <string>
#include <vector>

#include "bench/pipeline/session.hpp"

namespace sluice::bench {

struct BareBlock {
  std::int64_t real_ns = 0;  // p50 of tick_to_sent
  std::int64_t bare_ns = 0;  // p50 of a record through all four seats
  [[nodiscard]] double ratio() const noexcept {
    return static_cast<double>(real_ns) / static_cast<double>(bare_ns);
  }
};

struct BesideBare {
  Measured real;                   // the samples of every block
  std::vector<std::int64_t> bare;  // likewise; sorted
  std::vector<BareBlock> blocks;
};

// So many blocks of each; session.seconds of load in all, at least three per block.
BesideBare measure_beside_bare(const Session& session, std::size_t blocks);

double median_ratio(const std::vector<BareBlock>& blocks);
std::string bare_table(const BesideBare& both);
std::string bare_json(const BesideBare& both);  // the value of "bare"
// The median ratio against the SLA's, in percent.
SlaRow bare_row(const Sla& sla, const BesideBare& both);

}  // namespace sluice::bench
