// A gateway stage in a rig, and what its tests ask of it again and again.
#pragma once

#include <gtest/gtest.h>

#include "tests/unit/gateway/gateway_support.hpp"

namespace sluice::test {

class GatewayStageTest : public ::testing::Test {
 protected:
  // The only report since the last call.
  Report one_report() {
    EXPECT_EQ(rig.reports.size(), 1u);
    const Report r = rig.reports.empty() ? Report{} : rig.reports.back();
    rig.reports.clear();
    return r;
  }
  Order one_command() {
    EXPECT_EQ(rig.commands.size(), 1u);
    const Order o = rig.commands.empty() ? Order{} : rig.commands.back();
    rig.commands.clear();
    return o;
  }
  std::size_t raises(KillCause cause) const {
    std::size_t n = 0;
    for (std::size_t i = 0; i < rig.fx.raises(); ++i) {
      const Effects::Raise& raise = rig.fx.raise_at(i);
      n += raise.cause == cause && raise.level == KillLevel::Halt &&
                   raise.scope == Scope{ScopeKind::Gateway, 0}
               ? 1u
               : 0u;
    }
    return n;
  }

  StageRig rig;
};

}  // namespace sluice::test
