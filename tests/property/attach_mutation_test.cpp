// Attaching to what is damaged: any header that does not say exactly what it must is refused, and
// whatever is accepted can be used without leaving the mapping.
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

// Live damage: any word of the pages that a gate reads is flipped between two looks. New risk needs
// exactly the words that were there.
TEST(LiveDamage, NoFlipOfAPageLetsRiskIn) {
  const PipelineConfig config = test::toy_config();
  MemoryInstance instance(config, test::toy_run());
  Objects& o = instance.objects();
  constexpr std::uint16_t kLease = 1;
  o.control->heartbeat.store(encode_heartbeat({kLease, 1}));
  o.control->permits[0].store(encode_permit(o.control->header.run_id, kLease, 0, 1));
  test::Random random(test::draw_seed());
  std::uint64_t flips = 0;
  const auto entry_allowed = [&] {
    return o.kill->read(0).level == KillLevel::Run && o.kill->read(0).valid &&
           o.control->permit(0, o.control->beat().lease_epoch).valid;
  };
  ASSERT_TRUE(entry_allowed());
  const auto flip_all = [&](std::atomic<std::uint64_t>& word, const char* what) {
    const std::uint64_t clean = word.load();
    for (int n = 0; n < 20'000; ++n) {
      std::uint64_t mask = 0;
      for (std::uint64_t bits = 1 + random.below(n % 2 == 0 ? 2 : 12); bits > 0; --bits)
        mask |= std::uint64_t{1} << random.below(64);
      word.store(clean ^ mask);
      ++flips;
      // Up to two wrong bits for certain; more pass a 15-bit check once in 2^15.
      ASSERT_TRUE(n % 2 != 0 || !entry_allowed()) << what << " with mask " << std::hex << mask;
    }
    for (const std::uint64_t garbage : {std::uint64_t{0}, ~std::uint64_t{0}, random.next()}) {
      word.store(garbage);
      ASSERT_FALSE(entry_allowed()) << what << " holding " << std::hex << garbage;
    }
    word.store(clean);
    ASSERT_TRUE(entry_allowed());
  };
  flip_all(o.kill->words[0], "the kill word");
  flip_all(o.control->permits[0], "the permit");
  std::printf("%llu flips\n", static_cast<unsigned long long>(flips));
}

}  // namespace
}  // namespace sluice
