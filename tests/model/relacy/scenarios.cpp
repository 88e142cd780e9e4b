#include "tests/model/relacy/scenario.hpp"

#include "tests/model/relacy/atomics.hpp"
// behind atomics.hpp, which says why
#include "core/journal.hpp"
#include "core/kill_page.hpp"
#include "core/ring.hpp"
#include "core/stage_page.hpp"

namespace sluice::model {
namespace {

const char* broken_claim = nullptr;
bool every_word = false;  // watch all payload words, not only the first and the last

void claim(const char* name, bool holds) {
  if (holds) return;
  broken_claim = name;
  rl::ctx().fail_test(name, rl::test_result_user_assert_failed, RL_INFO);  // does not return
}

void let_others_run() {
  rl::yield(1, RL_INFO);
}

bool is_watched(std::size_t i) noexcept {
  return every_word || i == 0 || i + 1 == kPayloadWords;
}

// Words that are not watched hold nothing: plain memory is never old.
Payload payload_of(std::uint64_t k) noexcept {
  Payload payload{};
  for (std::size_t i = 0; i < kPayloadWords; ++i)
    if (is_watched(i)) payload[i] = 16 * k + i + 1;
  return payload;
}

void watch_slot(Cells& cells, const Slot& slot) {
  cells.watch(slot.word, "word");
  for (std::size_t i = 0; i < kPayloadWords; ++i)
    if (is_watched(i)) cells.watch(slot.payload[i], "payload");
}

// A plain line beside each slot, written before the push and read after the poll: relacy reports a
// race on it unless the ring's orders carry the records they announce and the slots they give back.
using Beside = rl::var<std::uint64_t>;

template <std::uint64_t kCapacity>
class RingWorld {
 public:
  RingWorld() {
    std::memset(static_cast<void*>(&memory_), 0, sizeof memory_);
    memory_.ring.header.capacity = kCapacity;
    cells_.watch(memory_.ring.head, "head");
    for (const Slot& slot : memory_.slots) watch_slot(cells_, slot);
    for (Beside& line : beside_) line(RL_INFO) = 0;
  }
  [[nodiscard]] RingMemory& ring() noexcept { return memory_.ring; }
  [[nodiscard]] Cells& cells() noexcept { return cells_; }

  void push(Producer& producer) {
    const std::uint64_t k = producer.next();
    while (producer.credit() == 0) let_others_run();
    beside_[k % kCapacity](RL_INFO) = k;
    producer.push(payload_of(k));
  }
  // False: nothing is there.
  bool poll(Consumer& consumer) {
    const std::uint64_t k = consumer.next();
    Payload out{};
    const Poll poll = consumer.poll(out);
    claim("corrupt_latched", poll != Poll::Corrupt);
    if (poll != Poll::Record) return false;
    claim("record_torn", out == payload_of(k));
    claim("record_of_another", beside_[k % kCapacity](RL_INFO) == k);
    return true;
  }
  // Follows the ring to its end: each record is read whole or counted as missed.
  void follow(std::uint64_t records) {
    RingTap tap(ring(), 0);
    std::uint64_t expected = 0;
    while (expected < records) {
      Payload out{};
      const RingTap::Result result = tap.read(out);
      expected += result.missed;
      claim("missed_too_many", expected <= records);
      if (result.poll != Poll::Record) {
        let_others_run();
        continue;
      }
      claim("missed_not_counted", result.sequence == expected);
      claim("tap_torn", out == payload_of(expected));
      ++expected;
    }
  }

 private:
  struct Memory {
    RingMemory ring;
    Slot slots[kCapacity];
  };
  static inline Memory memory_;
  Cells cells_;
  Beside beside_[kCapacity];
};

// The two ends, with wrap. `kBatch`: slots are given back when due, not at once.
template <std::uint64_t kCapacity, std::uint64_t kRecords, bool kBatch>
struct Hop : rl::test_suite<Hop<kCapacity, kRecords, kBatch>, 2> {
  RingWorld<kCapacity> world;

  void thread(unsigned index) {
    if (index == 0) {
      Producer producer(world.ring(), 0);
      while (producer.next() < kRecords) world.push(producer);
      return;
    }
    Consumer consumer(world.ring(), 0);
    while (consumer.next() < kRecords) {
      if (!world.poll(consumer)) {
        consumer.publish_head();
        let_others_run();
      } else if (kBatch) {
        consumer.publish_head_if_due();
      } else {
        consumer.publish_head();
      }
    }
  }
};

// A tap beside both ends in one thread: all that a tap can meet, in fewer interleavings.
template <std::uint64_t kCapacity, std::uint64_t kRecords>
struct Tap : rl::test_suite<Tap<kCapacity, kRecords>, 2> {
  RingWorld<kCapacity> world;

  void thread(unsigned index) {
    if (index == 1) return world.follow(kRecords);
    Producer producer(world.ring(), 0);
    Consumer consumer(world.ring(), 0);
    while (producer.next() < kRecords) {
      world.push(producer);
      claim("record_lost", world.poll(consumer));
      consumer.publish_head();
    }
  }
};

// Both ends and a tap, each in a thread.
template <std::uint64_t kCapacity, std::uint64_t kRecords>
struct Followed : rl::test_suite<Followed<kCapacity, kRecords>, 3> {
  RingWorld<kCapacity> world;

  void thread(unsigned index) {
    if (index == 2) return world.follow(kRecords);
    if (index == 0) {
      Producer producer(world.ring(), 0);
      while (producer.next() < kRecords) world.push(producer);
      return;
    }
    Consumer consumer(world.ring(), 0);
    while (consumer.next() < kRecords) {
      if (!world.poll(consumer)) let_others_run();
      consumer.publish_head();
    }
  }
};

// A producer that takes the place of a dead one: what `published` says is where it goes on.
template <std::uint64_t kCapacity>
struct Successor : rl::test_suite<Successor<kCapacity>, 2> {
  RingWorld<kCapacity> world;

  void thread(unsigned index) {
    if (index == 0) {
      Producer first(world.ring(), 0);
      world.push(first);
      world.push(first);
      Producer next(world.ring(), published(world.ring()));
      claim("resumed_elsewhere", next.next() == 2);
      world.push(next);
      return;
    }
    Consumer consumer(world.ring(), 0);
    while (consumer.next() < 3) {
      if (!world.poll(consumer)) let_others_run();
      consumer.publish_head();
    }
  }
};

// A row of a stage page beside a reader.
struct RowUpdate : rl::test_suite<RowUpdate, 2> {
  static constexpr std::size_t kIndex = 1;
  static constexpr auto kRow = static_cast<std::size_t>(RowTable::Order) + kIndex;
  static constexpr std::uint64_t kWrites = 3;
  static inline StagePage page;
  Cells cells;

  RowUpdate() {
    std::memset(static_cast<void*>(&page.rows[kRow]), 0, sizeof(Slot));
    page.row_version_ = 0;
    watch_slot(cells, page.rows[kRow]);
  }
  void thread(unsigned index) {
    if (index == 0) {
      for (std::uint64_t k = 1; k <= kWrites; ++k) {
        page.write_row(kRow, payload_of(k));
        page.write_row(kRow, payload_of(k));  // no news
      }
      return;
    }
    std::uint64_t last = 0;
    for (int reads = 0; reads < 2; ++reads) {
      const auto row = page.read_row<OrderRow>(RowTable::Order, kIndex);
      if (!row) continue;
      const Payload found = to_payload(*row);
      const std::uint64_t k = found[0] / 16;
      claim("row_torn", found == payload_of(k));
      claim("row_of_before", k >= last);
      last = k;
    }
  }
};

// A stage's journal beside the recorder: entries are plain memory, the tail gives them out, the
// head gives their slots back. `kReplaced`: each turn is another writer's, who goes on behind the
// tail.
template <bool kReplaced>
struct JournalTurns : rl::test_suite<JournalTurns<kReplaced>, 2> {
  static constexpr std::uint64_t kCapacity = 4;
  static constexpr std::uint64_t kEntries = 7;
  struct Memory {
    JournalMemory journal;
    JournalSlot slots[kCapacity];
  };
  static inline Memory memory;
  Cells cells;
  Beside beside[kCapacity];

  JournalTurns() {
    std::memset(static_cast<void*>(&memory), 0, sizeof memory);
    memory.journal.header.capacity = kCapacity;
    cells.watch(memory.journal.tail, "tail");
    cells.watch(memory.journal.head, "head");
    for (Beside& line : beside) line(RL_INFO) = 0;
  }
  void thread(unsigned index) { index == 0 ? write() : record(); }

  static HostTime time_of(std::uint64_t k) noexcept {
    return HostTime{static_cast<std::int64_t>(10 * k)};
  }
  void write() {
    JournalWriter writer(memory.journal, 0, HostTime{});
    while (writer.next() < kEntries) {
      if (kReplaced) writer = JournalWriter(memory.journal, writer.next(), writer.now());
      if (writer.room() < 2) {
        let_others_run();
        continue;
      }
      // Turns of one entry and of two.
      const std::uint64_t turn = 1 + writer.next() % 2;
      for (std::uint64_t n = 0; n < turn && writer.next() < kEntries; ++n) {
        const std::uint64_t k = writer.next();
        beside[k % kCapacity](RL_INFO) = k;
        writer.append(Edge::FeedRisk, payload_of(k), time_of(k));
      }
      writer.commit();
    }
  }
  void record() {
    JournalDecoder decoder;
    std::uint64_t next = 0;
    while (next < kEntries) {
      const std::uint64_t tail = memory.journal.committed();
      for (; next < tail; ++next) {
        JournalEntry entry;
        claim("entry_of_another", beside[next % kCapacity](RL_INFO) == next);
        const auto status = decoder.decode(memory.slots[next % kCapacity], next, entry);
        claim("entry_torn", status == JournalDecoder::Status::Input &&
                                entry.payload == payload_of(next) && entry.now == time_of(next));
      }
      memory.journal.give_back(next);
      if (next < kEntries) let_others_run();
    }
  }
};

// Two raises beside a gate. The gate's plain flag stands for "no order leaves": whoever has read
// that the gate obeyed the raise's serial finds it set.
struct Kill : rl::test_suite<Kill, 3> {
  static constexpr std::uint64_t kRun = 99;
  static inline KillPage page;
  static inline StagePage stage;
  static inline unsigned finished;  // raisers; plain, it is of the test and not of the protocol
  Cells cells;
  Beside acting;

  Kill() {
    std::memset(static_cast<void*>(&page), 0, sizeof page);
    page.header.run_id = kRun;
    page.serial.store(1);
    page.words[0].store(encode_kill(kRun, 0, KillLevel::Run, KillCause::None, 1));
    finished = 0;
    cells.watch(page.serial, "serial");
    cells.watch(page.words[0], "word");
    cells.watch(stage.obeyed, "obeyed");
    acting(RL_INFO) = static_cast<std::uint64_t>(KillLevel::Run);
  }
  void thread(unsigned index) { index == 0 ? gate() : raise(); }

  void raise() {
    const RaiseResult raised =
        raise_kill(page, {ScopeKind::Global, 0}, KillLevel::Halt, KillCause::Drill);
    claim("not_raised", raised.raised);
    while (!has_obeyed(page, stage.obeyed.load(std::memory_order_acquire), raised.target))
      let_others_run();
    claim("obeyed_unseen", acting(RL_INFO) == static_cast<std::uint64_t>(KillLevel::Halt));
    ++finished;
  }
  // As PageWatch::scan and Driver::publish: the serial, the words, what they ask for, obeyed.
  void gate() {
    std::uint64_t last = 0;
    bool acts = false;
    while (finished < 2) {
      const std::uint64_t serial = page.serial.load();
      if (serial == last) {
        let_others_run();
        continue;
      }
      const KillLevel level = page.read(0).level;
      if (!acts && level != KillLevel::Run) {
        acting(RL_INFO) = static_cast<std::uint64_t>(level);
        acts = true;
      }
      stage.obeyed.store(serial, std::memory_order_release);
      last = serial;
    }
  }
};

// A turn: its input is journaled before its output is published.
struct Turns : rl::test_suite<Turns, 2> {
  static constexpr std::uint64_t kTurns = 3;
  RingWorld<2> output;
  Cells& cells = output.cells();

  Turns() {
    std::memset(static_cast<void*>(&JournalTurns<false>::memory), 0, sizeof(JournalMemory));
    journal().header.capacity = JournalTurns<false>::kCapacity;
    cells.watch(journal().tail, "tail");
  }
  static JournalMemory& journal() noexcept { return JournalTurns<false>::memory.journal; }
  void thread(unsigned index) {
    if (index == 0) {
      JournalWriter writer(journal(), 0, HostTime{});
      Producer producer(output.ring(), 0);
      while (producer.next() < kTurns) {
        writer.append(Edge::FeedRisk, payload_of(producer.next()), HostTime{});
        writer.commit();
        output.push(producer);
      }
      return;
    }
    Consumer consumer(output.ring(), 0);
    while (consumer.next() < kTurns) {
      if (!output.poll(consumer)) {
        let_others_run();
        continue;
      }
      claim("output_before_journal", journal().committed() >= consumer.next());
      consumer.publish_head();
    }
  }
};

template <class Suite>
Outcome simulate(const Search& search) {
  rl::ostringstream out;  // its buffer is nobody's allocation: relacy counts those that it sees
  std::ostream nowhere(nullptr);
  rl::test_params params;
  params.output_stream = &out;
  params.progress_stream = &nowhere;
  params.execution_depth_limit = 20'000;
  params.search_type = search.random ? rl::sched_random : rl::sched_bound;
  params.context_bound = search.bound;
  params.iteration_count = search.first + search.executions - 1;
  if (search.random && search.first != 1)
    params.initial_state = std::to_string(search.first).c_str();
  every_word = search.random;
  broken_claim = nullptr;
  const bool held = rl::simulate<Suite>(params);
  Outcome outcome;
  outcome.executions = params.stop_iteration - (search.random ? search.first - 1 : 0);
  if (!held) {
    outcome.broken =
        broken_claim != nullptr ? broken_claim : rl::test_result_str(params.test_result);
    outcome.trace = out.str().c_str();
    outcome.trace.resize(std::min(outcome.trace.size(), outcome.trace.find("\nthread 0:")));
  }
  return outcome;
}

constexpr Scenario kScenarios[]{
    {"hop2", "both ends, capacity 2, 5 records", true, simulate<Hop<2, 5, false>>},
    {"hop4", "both ends, capacity 4, 9 records, slots given back when due", false,
     simulate<Hop<4, 9, true>>},
    {"successor2", "a producer that goes on where another one stopped, capacity 2", true,
     simulate<Successor<2>>},
    {"tap2", "a tap beside both ends in one thread, capacity 2, 5 records", true,
     simulate<Tap<2, 5>>},
    {"tap4", "the same, capacity 4, 9 records", true, simulate<Tap<4, 9>>},
    {"followed2", "both ends and a tap, capacity 2, 4 records", false, simulate<Followed<2, 4>>},
    {"followed4", "both ends and a tap, capacity 4, 7 records", false, simulate<Followed<4, 7>>},
    {"row", "a row of a stage page, 3 versions and a reader", true, simulate<RowUpdate>},
    {"journal", "a journal and the recorder, capacity 4, 7 entries", true,
     simulate<JournalTurns<false>>},
    {"writers", "the same, each turn by another writer", true, simulate<JournalTurns<true>>},
    {"turn", "outputs behind their journal entries, 3 turns", true, simulate<Turns>},
    {"kill", "two raises of one scope and a gate that scans and obeys", true, simulate<Kill>},
};

}  // namespace

std::span<const Scenario> scenarios() noexcept {
  return kScenarios;
}

}  // namespace sluice::model
