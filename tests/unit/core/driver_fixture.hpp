// The driver around a toy stage, turn by turn on a clock that stands still.
#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "core/driver.hpp"
#include "tests/support/toy_rig.hpp"

namespace sluice {

using test::EchoStage;
using test::Oracle;
using test::ToySizes;
using test::ToyWorld;
using ToyDriver = Driver<EchoStage, NoSession, VirtualClock>;

class DriverTest : public testing::Test {
 protected:
  void open(ToySizes sizes) {
    instance_ = std::make_unique<MemoryInstance>(test::toy_config(sizes), test::toy_run());
    world_ = std::make_unique<ToyWorld>(instance_->objects());
    page().state.store(static_cast<std::uint64_t>(StageState::Ready));
    world_->beat(clock_.liveness_us());
    start();
  }
  // A new process over the same memory.
  void start() {
    driver_.reset();
    stage_ = std::make_unique<EchoStage>();
    driver_ = std::make_unique<ToyDriver>(*stage_, session_, clock_, world_->sources());
    world_->connect(*driver_);
    driver_->recover([this](JournalSlot& out, std::uint64_t at) { return world_->entry(out, at); });
  }
  void step(Duration by = Duration::micros(10)) {
    clock_.advance(by);
    world_->beat(clock_.liveness_us());
    driver_->turn();
  }
  // Turns until nothing happens; the world takes outputs and journal at every turn.
  void settle() {
    for (int i = 0, still = 0; still < 3; ++i) {
      ASSERT_LT(i, 10'000) << "no progress";
      const std::uint64_t before = driver_->entries();
      step();
      world_->record();
      const bool took = world_->take() != 0;
      still = took || driver_->entries() != before ? 0 : still + 1;
    }
  }
  Oracle<> filed() {
    world_->record();
    return world_->replay();
  }
  void expect_consistent() {
    settle();
    const Oracle<> oracle = filed();
    ASSERT_EQ(oracle.position, world_->archive.size()) << "the journal does not validate";
    for (const auto& [edge, records] : world_->pushed)
      EXPECT_EQ(oracle.inputs.at(edge), records) << "edge " << static_cast<int>(edge);
    for (const Edge edge : {Edge::RiskGateway, risk_seat(0)})
      EXPECT_EQ(oracle.outputs.count(edge) ? oracle.outputs.at(edge) : std::vector<Payload>{},
                world_->received[edge])
          << "edge " << static_cast<int>(edge);
    EXPECT_EQ(oracle.stage.digest(), stage_->digest());
    EXPECT_EQ(stage_->dropped(), 0u);
    EXPECT_FALSE(world_->corrupt);
  }
  StagePage& page() { return instance_->objects().page(Process::Risk); }
  KillPage& kill() { return *instance_->objects().kill; }
  ControlPage& control() { return *instance_->objects().control; }

  VirtualClock clock_;
  NoSession session_;
  std::unique_ptr<MemoryInstance> instance_;
  std::unique_ptr<ToyWorld> world_;
  std::unique_ptr<EchoStage> stage_;
  std::unique_ptr<ToyDriver> driver_;
};

}  // namespace sluice
