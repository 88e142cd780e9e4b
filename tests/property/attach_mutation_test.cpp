// Attaching to what is damaged: any header that does not say exactly what it must is refused, and
// whatever is accepted can be used without leaving the mapping. (Damage behind the header, while
// everything runs: live_damage_gates_test.cpp, live_damage_data_test.cpp.)
//   SLUICE_MUTATIONS=n tries so many of each kind of object.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <map>

#include "core/instance.hpp"
#include "tests/support/names.hpp"
#include "tests/support/seed.hpp"
#include "tests/support/toy_config.hpp"

namespace sluice {
namespace {

std::uint64_t mutations() {
  const char* text = std::getenv("SLUICE_MUTATIONS");
  return text != nullptr ? std::strtoull(text, nullptr, 0) : 20'000;
}

// Everything that a reader relies on.
struct Relied {
  std::uint64_t magic, layout_hash, size, run_id, capacity;
  Mode mode;
  ObjectKind kind;
  std::uint8_t edge;
  std::string instance, boot;

  explicit Relied(const SegmentHeader& h)
      : magic(h.magic.load()),
        layout_hash(h.layout_hash),
        size(h.size),
        run_id(h.run_id),
        capacity(h.capacity),
        mode(h.mode),
        kind(h.kind),
        edge(h.edge),
        instance(h.instance_name()),
        boot(h.boot_id.data()) {}
  friend bool operator==(const Relied&, const Relied&) = default;
};

class AttachMutation : public testing::Test {
 protected:
  void mutate(const ObjectPlan& plan) {
    const std::string name = name_.object(plan.object);
    Segment original = Segment::create(name, plan.bytes);
    auto* header = original.as<SegmentHeader>();
    fill_header(*header, plan, config_, test::toy_run());
    Segment::publish(*header);
    std::array<char, sizeof(SegmentHeader)> clean;
    std::memcpy(clean.data(), static_cast<const void*>(header), clean.size());
    const Relied wanted(*header);
    const Expected expected{name_.name(), plan.kind, plan.edge, header->run_id, header->mode};
    for (std::uint64_t n = mutations(); n > 0; --n) {
      damage(*header);
      Segment attached;
      const AttachError error = Segment::attach(name, Access::ReadWrite, expected, attached);
      ++seen_[error];
      ASSERT_TRUE(error != AttachError::None || Relied(*attached.as<SegmentHeader>()) == wanted)
          << plan.object;
      std::memcpy(static_cast<void*>(header), clean.data(), clean.size());
    }
    truncate(plan, expected);
    Segment::remove(name);
  }

  // One to 64 flipped bits, random bytes, zeros, ones; usually where something is checked.
  void damage(SegmentHeader& header) {
    auto* bytes = reinterpret_cast<unsigned char*>(&header);
    const std::uint64_t span = random_.one_in(4) ? sizeof header : 112;
    switch (random_.below(4)) {
      case 0:
        for (std::uint64_t n = std::uint64_t{1} << random_.below(7); n > 0; --n)
          bytes[random_.below(span)] ^= static_cast<unsigned char>(1u << random_.below(8));
        break;
      case 1:
        for (std::uint64_t n = 1 + random_.below(16); n > 0; --n)
          bytes[random_.below(span)] = static_cast<unsigned char>(random_.next());
        break;
      case 2: std::memset(bytes + random_.below(span), 0, 1 + random_.below(16)); break;
      default: std::memset(bytes + random_.below(span), 0xff, 1 + random_.below(16)); break;
    }
  }

  // Shorter and longer objects, whatever the header says.
  void truncate(const ObjectPlan& plan, const Expected& expected) {
    const std::string path = name_.path(plan.object);
    for (const std::uint64_t size : {std::uint64_t{0}, std::uint64_t{255}, std::uint64_t{256},
                                     plan.bytes - 1, plan.bytes / 2, plan.bytes + 4'096}) {
      ASSERT_EQ(::truncate(path.c_str(), static_cast<off_t>(size)), 0);
      Segment attached;
      const AttachError error =
          Segment::attach(name_.object(plan.object), Access::ReadOnly, expected, attached);
      ++seen_[error];
      EXPECT_NE(error, AttachError::None) << plan.object << " of " << size << " bytes";
    }
  }

  const test::UniqueInstance name_;
  PipelineConfig config_ = test::toy_config({.ring = 2, .journal = 16}, name_.name());
  test::Random random_{test::draw_seed()};
  std::map<AttachError, std::uint64_t> seen_;
};

TEST_F(AttachMutation, WhatIsDamagedIsRefused) {
  std::map<ObjectKind, bool> done;
  for (const ObjectPlan& plan : plan_objects(config_)) {
    if (std::exchange(done[plan.kind], true)) continue;
    mutate(plan);
    if (HasFatalFailure()) return;
  }
  std::uint64_t all = 0;
  for (const auto& [error, n] : seen_) {
    all += n;
    std::printf("%-32s %llu\n",
                error == AttachError::None ? "accepted: nothing relied on changed"
                                           : std::string(name_of(error)).c_str(),
                static_cast<unsigned long long>(n));
  }
  std::printf("%llu attaches\n", static_cast<unsigned long long>(all));
  // The refusals that damage can cause, each reached.
  for (const AttachError error :
       {AttachError::TooSmall, AttachError::NotReady, AttachError::BadMagic,
        AttachError::LayoutMismatch, AttachError::SizeMismatch, AttachError::WrongInstance,
        AttachError::WrongMode, AttachError::WrongRun, AttachError::WrongBoot,
        AttachError::WrongObject})
    EXPECT_GT(seen_[error], 0u) << name_of(error);
}

}  // namespace
}  // namespace sluice
