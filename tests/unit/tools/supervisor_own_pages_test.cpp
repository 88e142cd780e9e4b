// What somebody else has stored into pages that are the supervisor's alone.
#include "tools/supervisor/own_pages.hpp"

#include <gtest/gtest.h>

#include "tests/support/toy_config.hpp"

namespace sluice {
namespace {

class OwnPagesTest : public testing::Test {
 protected:
  OwnPagesTest() : instance_(test::toy_config(), test::toy_run()) {}
  Objects& objects() { return instance_.objects(); }
  static bool says(const std::string& text, const char* what) {
    return text.find(what) != std::string::npos;
  }
  MemoryInstance instance_;
  OwnPages own_{objects()};
};

TEST_F(OwnPagesTest, NothingHasChangedByItself) {
  EXPECT_EQ(own_.damage(), "");
  objects().control->permits[0].store(7);
  objects().control->heartbeat.store(7);
  raise_kill(*objects().kill, {}, KillLevel::Halt, KillCause::Operator);
  EXPECT_EQ(own_.damage(), "") << "these have checks of their own";
}

TEST_F(OwnPagesTest, AnyFlippedBitOfAHeaderIsSaid) {
  for (const auto& [name, header] : {std::pair{"control", &objects().control->header},
                                     std::pair{"kill", &objects().kill->header}}) {
    auto* bytes = reinterpret_cast<unsigned char*>(header);
    for (std::size_t bit = 0; bit < 8 * sizeof(SegmentHeader); ++bit) {
      bytes[bit / 8] ^= static_cast<unsigned char>(1u << bit % 8);
      ASSERT_TRUE(says(own_.damage(), "the header of the ")) << name << " bit " << bit;
      ASSERT_TRUE(says(own_.damage(), name)) << bit;
      bytes[bit / 8] ^= static_cast<unsigned char>(1u << bit % 8);
    }
    ASSERT_EQ(own_.damage(), "");
  }
}

TEST_F(OwnPagesTest, AnyFlippedBitOfACapIsSaidUntilItIsSetAgain) {
  for (const Scope scope : {Scope{}, Scope{ScopeKind::Strategy, 0}}) {
    const std::size_t slot = scope_slot(scope);
    for (int bit = 0; bit < 64; ++bit) {
      const std::int64_t clean = objects().control->caps[slot].load();
      objects().control->caps[slot].store(
          static_cast<std::int64_t>(static_cast<std::uint64_t>(clean) ^ std::uint64_t{1} << bit));
      ASSERT_TRUE(says(own_.damage(), "the cap of ")) << slot << " bit " << bit;
      objects().control->caps[slot].store(clean);
      ASSERT_EQ(own_.damage(), "");
    }
  }
  objects().control->caps[scope_slot({ScopeKind::Strategy, 9})].store(1);
  EXPECT_EQ(own_.damage(), "") << "there is no such strategy: nobody reads it";
  objects().control->caps[0].store(Notional::whole(25'000).raw);
  EXPECT_EQ(own_.damage(),
            "the cap of global was changed by somebody else from 0 to 25000: sluicectl cap sets it "
            "again");
  own_.cap_is(0, Notional::whole(25'000));
  EXPECT_EQ(own_.damage(), "");
}

}  // namespace
}  // namespace sluice
