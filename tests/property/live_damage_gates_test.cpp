// Damage while everything runs: any word that decides on new risk is changed between two looks of
// the gates. Both of them are the real ones: risk's guard, told by the watch of its driver, and the
// paper session with its last look, whose log says what was sent.
//
//   queued    an entry that risk approved before the word was damaged, and that leaves after it
//   believed  an entry under exactly the epochs that risk has been told since: it tries the last
//             look alone
//
// Up to two wrong bits of kill words and permits are tried one and all, more by chance.
#include <gtest/gtest.h>

#include <functional>

#include "core/instance.hpp"
#include "core/watch.hpp"
#include "risk/guard.hpp"
#include "tests/support/seed.hpp"
#include "tests/unit/gateway/gateway_support.hpp"
#include "tests/unit/risk/desk.hpp"

namespace sluice {
namespace {

constexpr std::uint16_t kLeaseNow = 4;
constexpr std::uint64_t kNowUs = 10'000'000;
constexpr int kByChance = 4'000;  // masks of three to twelve bits for each word and start
constexpr std::array<std::size_t, 4> kOrderScopes = order_scopes(0, 0, 0);

PipelineConfig pipeline() {
  PipelineConfig config = risk::bench_pipeline();
  config.tick_ring = config.order_ring = config.report_ring = config.intent_ring = 8;
  config.journal_ring = 64;
  config.rate_ppm = 1'000'000;
  return config;
}

// What a wrong gate would look at instead of the pages: a copy that nobody damages.
enum class Blind : std::uint8_t { Nobody = 0, Risk = 1, LastLookToo = 2 };

class LiveDamage : public testing::Test {
 protected:
  explicit LiveDamage(Blind blind = Blind::Nobody) : blind_(blind) {
    control().heartbeat.store(encode_heartbeat({kLeaseNow, kNowUs}));
    for (std::size_t slot = 0; slot < kScopes; ++slot) {
      control().permits[slot].store(permit(slot, kLeaseNow));
      control().caps[slot].store(Notional::whole(1'000'000).raw);
    }
    peer().state.store(static_cast<std::uint64_t>(StageState::Ready));
    peer().heartbeat_us.store(kNowUs);
    copy_.objects().control->heartbeat.store(control().heartbeat.load());
    for (std::size_t slot = 0; slot < kScopes; ++slot) {
      copy_.objects().control->permits[slot].store(control().permits[slot].load());
      copy_.objects().control->caps[slot].store(control().caps[slot].load());
    }
    const Objects& risk = blind == Blind::Nobody ? instance_.objects() : copy_.objects();
    risk_watch_.attach({risk.control, risk.kill, &journal(Process::Risk), nullptr});
    gateway_watch_.attach({&control(), &kill(), &journal(Process::Gateway), &peer()});
    desk_.control(ControlKind::RunStart, risk::Desk::kRun);
    scan();
    for (const InstrumentIndex instrument : {0u, 1u})
      desk_.quote(instrument, risk::price(999), risk::price(1001));
  }
  void SetUp() override { expect_open(); }
  void TearDown() override {
    if (!HasFailure()) expect_open();
    std::printf("%llu flips, %llu of them made another word that is valid\n",
                static_cast<unsigned long long>(flips_), static_cast<unsigned long long>(valid_));
    // Three wrong bits and more pass a check of 15 bits once in 2^15.
    EXPECT_LT(valid_ * 4'096, flips_ + 4'096);
  }

  ControlPage& control() { return *instance_.objects().control; }
  KillPage& kill() { return *instance_.objects().kill; }
  JournalMemory& journal(Process gate) { return instance_.objects().journal_of(gate); }
  StagePage& peer() { return instance_.objects().page(Process::Risk); }
  std::uint64_t permit(std::size_t slot, std::uint16_t lease) {
    return encode_permit(control().header.run_id, lease, slot, 7);
  }
  std::uint64_t kill_word(std::size_t slot, KillLevel level, std::uint64_t run_id) {
    return encode_kill(run_id, slot, level, KillCause::Operator, 99);
  }

  // Both drivers look at the pages; risk's stage is told.
  void scan() {
    static_cast<void>(risk_watch_.scan(desk_.now, kNowUs, false, [this](const Control& told) {
      risk_watch_.observe(told);
      desk_.send(told);
      return true;
    }));
    static_cast<void>(gateway_watch_.scan(desk_.now, kNowUs, false, [this](const Control& told) {
      gateway_watch_.observe(told);
      return true;
    }));
    desk_.log.clear();
    desk_.emitted.clear();
  }
  // What risk's guard says to an entry now. It changes nothing.
  Reason guard() {
    MarketNow market = desk_.stage.state().market;
    const Intent intent = desk_.intent();  // a probe refers to what it is made of
    risk::Probe probe = risk::prepare(desk_.stage.rules(), desk_.stage.state(), intent, desk_.now,
                                      market.at(desk_.now));
    return risk::run_checks(probe, risk::chain());
  }
  // An entry as risk approves it now.
  Order approved() {
    const risk::ScopeTable& scopes = desk_.stage.state().scopes;
    Order order = test::entry(++counter_, test::lots(1), desk_.now);
    order.instrument = order.strategy = 0;
    order.kill_epoch = scopes.kill_epoch(0, 0);
    order.limits_epoch = scopes.limits_epoch(0, 0);
    return order;
  }
  // True if the order left. What left is cancelled, so that the venue stays empty.
  bool leaves(const Order& order) {
    const std::size_t before = log_.entries.size();
    session_.execute(order, desk_.now, gateway_watch_.conditions());
    const bool sent = log_.entries.size() != before;
    if (sent) {
      session_.execute(cancel_of(order), desk_.now, 0);
      session_.poll(desk_.now + Duration::seconds(1));
    }
    while (session_.has_event()) session_.next_event();
    return sent;
  }
  static Order cancel_of(const Order& order) {
    Order cancel = order;
    cancel.kind = OrderKind::Cancel;
    return cancel;
  }
  void expect_open() {
    scan();
    ASSERT_EQ(guard(), Reason::None);
    ASSERT_TRUE(leaves(approved()));
    ASSERT_EQ(session_.book().open(), 0u);
  }

  // Changes one word by every mask, and asks `look(value)` each time. The word is as it was then.
  using Word = std::atomic<std::uint64_t>;
  void flip_all(Word& word, const std::function<void(std::uint64_t)>& look) {
    const std::uint64_t clean = word.load();
    const auto flip = [&](std::uint64_t mask) {
      word.store(clean ^ mask);
      ++flips_;
      look(clean ^ mask);
      return !HasFatalFailure();
    };
    for (int one = 0; one < 64; ++one)
      for (int two = one; two < 64; ++two)  // one bit if they are the same
        if (!flip(std::uint64_t{1} << one | std::uint64_t{1} << two)) return;
    for (int n = 0; n < kByChance; ++n) {
      std::uint64_t mask = 0;
      while (mask == 0)
        for (std::uint64_t bits = 3 + random_.below(10); bits > 0; --bits)
          mask ^= std::uint64_t{1} << random_.below(64);
      if (!flip(mask)) return;
    }
    for (const std::uint64_t value : {std::uint64_t{0}, ~std::uint64_t{0}, random_.next()})
      if (value != clean && !flip(clean ^ value)) return;
    word.store(clean);
  }

  // What gets in, under whatever epochs; nothing if both gates are shut.
  std::string gets_in(const Order& queued) {
    if (leaves(queued)) return "what was queued before is sent";
    scan();
    if (guard() == Reason::None) return "risk approves";
    return leaves(approved()) ? "what is approved now is sent" : "";
  }
  PageWatch& watch(Process gate) { return gate == Process::Risk ? risk_watch_ : gateway_watch_; }
  void expect_reduced(Process gate, std::uint32_t condition, std::uint64_t value) {
    ASSERT_NE(watch(gate).conditions() & condition, 0u) << std::hex << value;
    if (gate == Process::Risk) {
      ASSERT_NE(guard(), Reason::None) << std::hex << value;
    } else {
      ASSERT_FALSE(leaves(approved())) << std::hex << value;
    }
  }
  void expect_shut(const Order& queued, std::uint64_t value) {
    ASSERT_EQ(gets_in(queued), "") << "under " << std::hex << value;
  }

  const Blind blind_;
  MemoryInstance instance_{pipeline(), RunIdentity{0x1122334455667788, 7, 0, {}}};
  MemoryInstance copy_{pipeline(), RunIdentity{0x1122334455667788, 7, 0, {}}};
  risk::Desk desk_{risk::bench_risk(), pipeline()};
  PageWatch risk_watch_;
  PageWatch gateway_watch_;
  GatewayConfig config_;
  test::VectorLog log_;
  std::unique_ptr<StagePage> page_ = std::make_unique<StagePage>();
  Effects fx_{page_.get()};
  LastLook look_{blind_ == Blind::LastLookToo ? *copy_.objects().control : control(),
                 blind_ == Blind::LastLookToo ? *copy_.objects().kill : kill(), 0,
                 config_.order_age_max};
  test::TestSession session_{config_, look_, log_, fx_};
  test::Random random_{test::draw_seed()};
  std::uint32_t counter_ = 0;
  std::uint64_t flips_ = 0;
  std::uint64_t valid_ = 0;
};

// RUN, and everything that is not RUN: a level, another run's RUN, a word of another scope,
// nothing. A word that is valid RUN after three flips or more stands for no kill that was lifted
// unseen: its epoch or its cause has changed, both gates are told, and what was approved before is
// stale.
TEST_F(LiveDamage, NoFlipOfAKillWordLetsAnEntryIn) {
  const std::uint64_t run_id = kill().run_id();
  for (const std::size_t slot : kOrderScopes) {
    Word& word = kill().words[slot];
    const std::uint64_t running = word.load();
    const std::uint64_t starts[]{running,
                                 kill_word(slot, KillLevel::Halt, run_id),
                                 kill_word(slot, KillLevel::ReduceOnly, run_id),
                                 kill_word(slot, KillLevel::Run, run_id + 1),
                                 kill_word(slot + 1, KillLevel::Run, run_id),
                                 0};
    for (const std::uint64_t start : starts) {
      word.store(running);
      scan();
      const Order queued = approved();
      word.store(start);
      flip_all(word, [&](std::uint64_t value) {
        const KillWord now = decode_kill(run_id, slot, value);
        if (!now.valid || now.level != KillLevel::Run) return expect_shut(queued, value);
        ++valid_;
        ASSERT_TRUE(value == running || !leaves(queued)) << std::hex << value;
      });
      if (HasFatalFailure()) return;
    }
    word.store(running);
  }
}

// A permit, none, an earlier supervisor's, another scope's. The token has 31 bits of its own.
TEST_F(LiveDamage, NoFlipOfAPermitLetsAnEntryIn) {
  for (const std::size_t slot : kOrderScopes) {
    Word& word = control().permits[slot];
    const std::uint64_t granted = word.load();
    for (const std::uint64_t start :
         {granted, std::uint64_t{0}, permit(slot, kLeaseNow - 1), permit(slot + 1, kLeaseNow)}) {
      word.store(granted);
      scan();
      const Order queued = approved();
      word.store(start);
      flip_all(word, [&](std::uint64_t value) {
        if (!control().permit(slot, kLeaseNow).valid) return expect_shut(queued, value);
        ++valid_;
        ASSERT_TRUE(value == granted || !leaves(queued)) << std::hex << value;
      });
      if (HasFatalFailure()) return;
    }
    word.store(granted);
  }
}

// {lease epoch, time}. Another epoch voids every permit. Another time is a dead man unless it is
// less than 500 ms old or 100 ms ahead: then it is a heartbeat such as a living supervisor sends,
// and the next true one is due within 50 ms.
TEST_F(LiveDamage, AFlippedHeartbeatIsADeadManOrAsGoodAsOne) {
  const Order queued = approved();
  flip_all(control().heartbeat, [&](std::uint64_t value) {
    const Heartbeat beat = decode_heartbeat(value);
    if (beat.lease_epoch == kLeaseNow && heartbeat_age_us(kNowUs, beat.at_us) <= kDeadManUs) return;
    scan();
    expect_shut(queued, value);
  });
}

// A cap has no check of its own: any number is one. An order answers to two of them, so one that
// was changed lets in nothing that the other forbids; what is less than it was forbids more.
TEST_F(LiveDamage, AFlippedCapLetsInNothingThatTheOtherCapForbids) {
  const std::array<std::size_t, 2> slots{kOrderScopes[0], kOrderScopes[2]};
  const auto cap = [&](std::size_t i) -> std::atomic<std::int64_t>& {
    return control().caps[slots[i]];
  };
  const std::int64_t enough = cap(0).load();
  for (const std::size_t damaged : {std::size_t{0}, std::size_t{1}}) {
    for (const std::int64_t other : {std::int64_t{0}, std::int64_t{1}, std::int64_t{-1}}) {
      const Order queued = approved();
      cap(1 - damaged).store(other);
      Word word{static_cast<std::uint64_t>(enough)};
      flip_all(word, [&](std::uint64_t value) {
        cap(damaged).store(static_cast<std::int64_t>(value));
        expect_shut(queued, value);
      });
      if (HasFatalFailure()) return;
      cap(1 - damaged).store(enough);
      cap(damaged).store(enough);
      scan();
    }
  }
}

// The serial permits nothing. Thrown back, it must not make a raise pass for obeyed that no gate
// has seen; thrown forth, it must not keep one from being obeyed. Back by one or two, and the raise
// makes up for it: what a gate says is then a serial that was given out twice. It shuts all the
// same, in its next scan.
TEST_F(LiveDamage, AFlippedSerialCompletesNoRaiseThatWasNotSeen) {
  const std::uint64_t serial = kill().serial.load();
  const std::uint64_t running = kill().words[0].load();
  flip_all(kill().serial, [&](std::uint64_t value) {
    const std::uint64_t obeyed = risk_watch_.serial();
    ASSERT_EQ(obeyed, serial);
    const Order queued = approved();
    const RaiseResult raised = raise_kill(kill(), {}, KillLevel::Halt, KillCause::Drill);
    ASSERT_TRUE(raised.raised);
    if (value > serial || serial - value > 2) {
      ASSERT_FALSE(has_obeyed(kill(), obeyed, raised.target)) << std::hex << value;
    }
    expect_shut(queued, value);
    ASSERT_TRUE(has_obeyed(kill(), risk_watch_.serial(), raised.target)) << std::hex << value;
    kill().words[0].store(running);
    kill().serial.store(serial);
    scan();
  });
}

// A gate's tail and the recorder's head: the watch sees the difference. One that is less than half
// a ring looks like a journal that is filed, until either of the two stores again; what the
// recorder has taken above the tail meanwhile fails its checksum. The writer gives itself no room
// that is not there (LiveDamageData.AFlippedHeadOfAJournalGivesNoRoomThatIsNotThere).
TEST_F(LiveDamage, AFlippedTailOrHeadIsAJournalBehindOrLessThanHalfARing) {
  for (const Process gate : {Process::Risk, Process::Gateway}) {
    JournalMemory& damaged = journal(gate);
    const std::uint64_t half = damaged.header.capacity / 2;
    for (Word* word : {&damaged.tail, &damaged.head}) {
      flip_all(*word, [&](std::uint64_t value) {
        scan();
        if (damaged.tail.load() - damaged.head.load() <= half) return;
        expect_reduced(gate, kJournalBehind, value);
      });
      if (HasFatalFailure()) return;
    }
  }
}

// What the recorder says of the disk. Trouble that a flip makes is trouble; trouble that a flip
// takes away is back with the recorder's next round, which stores the word whether it has changed
// or not. The bits without a meaning mean nothing.
TEST_F(LiveDamage, AFlippedFlagOfTheRecorderIsDiskLowWhenItSaysSo) {
  for (const Process gate : {Process::Risk, Process::Gateway}) {
    for (const std::uint64_t start : {std::uint64_t{0}, std::uint64_t{kRecorderDiskTrouble}}) {
      Word& flags = journal(gate).flags;
      flags.store(start);
      flip_all(flags, [&](std::uint64_t value) {
        scan();
        if ((value & kRecorderDiskTrouble) != 0) return expect_reduced(gate, kDiskLow, value);
        ASSERT_EQ(watch(gate).conditions() & kDiskLow, 0u) << std::hex << value;
      });
      if (HasFatalFailure()) return;
      flags.store(0);
      scan();
    }
  }
}

// What the gateway knows of risk: another state than ready is a dead peer; for the heartbeat the
// rule is that of the supervisor's.
TEST_F(LiveDamage, AFlippedPeerIsDeadOrAsGoodAsAlive) {
  flip_all(peer().state, [&](std::uint64_t value) {
    scan();
    ASSERT_NE(gateway_watch_.conditions() & kPeerDead, 0u) << std::hex << value;
    ASSERT_FALSE(leaves(approved())) << std::hex << value;
  });
  flip_all(peer().heartbeat_us, [&](std::uint64_t value) {
    if (heartbeat_age_us(kNowUs, value) <= kDeadManUs) return;
    scan();
    ASSERT_NE(gateway_watch_.conditions() & kPeerDead, 0u) << std::hex << value;
    ASSERT_FALSE(leaves(approved())) << std::hex << value;
  });
}

// Rows are views: no gate reads one, so both say what they said. A reader is shown the damage, or
// nothing, until the next time that the row is written.
TEST_F(LiveDamage, AFlippedRowIsSeenByNoGateAndHealsWhenItIsWritten) {
  constexpr auto kRow = static_cast<std::size_t>(RowTable::Instrument);
  GateRow row{};
  row.value = 5;
  peer().write_row(kRow, to_payload(row));
  Slot& slot = peer().rows[kRow];
  const auto shown = [&] { return peer().read_row<GateRow>(RowTable::Instrument, 0); };
  for (Word* word : {&slot.word, &slot.payload[1], &slot.payload[6]}) {
    flip_all(*word, [&](std::uint64_t value) {
      if (flips_ % 16 == 0) {
        scan();
        ASSERT_EQ(guard(), Reason::None) << std::hex << value;
        ASSERT_TRUE(leaves(approved())) << std::hex << value;
      }
      peer().write_row(kRow, to_payload(row));
      ASSERT_TRUE(shown());
      ASSERT_EQ(to_payload(*shown()), to_payload(row)) << std::hex << value;
    });
    if (HasFatalFailure()) return;
  }
}

// Gates that do not look at what is damaged, in the hands of the same judge: it finds each of them,
// under every word that is not RUN and every permit that is void.
class WrongGates : public LiveDamage {
 protected:
  using LiveDamage::LiveDamage;
  void SetUp() override {}  // one of the two is open whatever stands in the pages
  void TearDown() override {}

  void expect_found(Word& word, std::uint64_t start, std::string_view as,
                    const std::function<bool()>& shut) {
    const std::uint64_t clean = word.load();
    word.store(start);
    std::uint64_t found = 0;
    std::uint64_t wanted = 0;
    flip_all(word, [&](std::uint64_t) {
      if (!shut()) return;
      ++wanted;
      found += gets_in(approved()) == as ? 1u : 0u;
    });
    EXPECT_EQ(found, wanted);
    EXPECT_GT(wanted, 6'000u);
    word.store(clean);
  }
  void expect_both_found(std::string_view as) {
    const auto halted = [this] { return kill().read(0).level != KillLevel::Run; };
    expect_found(kill().words[0], kill_word(0, KillLevel::Halt, kill().run_id()), as, halted);
    const auto void_now = [this] { return !control().permit(0, kLeaseNow).valid; };
    expect_found(control().permits[0], control().permits[0].load(), as, void_now);
  }
};

class BlindRisk : public WrongGates {
 protected:
  BlindRisk() : WrongGates(Blind::Risk) {}
};
TEST_F(BlindRisk, IsFound) {
  expect_both_found("risk approves");
}

class BlindLastLook : public WrongGates {
 protected:
  BlindLastLook() : WrongGates(Blind::LastLookToo) {}
};
TEST_F(BlindLastLook, IsFound) {
  expect_both_found("what was queued before is sent");
}

}  // namespace
}  // namespace sluice
