// The ring between processes that are killed at random and replaced: a producer that resumes at
// what is published, a consumer that resumes at its journal. Nothing is lost, torn or doubled.
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <csignal>

#include "core/ring.hpp"
#include "tests/support/seed.hpp"
#include "tests/support/shared_instance.hpp"

namespace sluice {
namespace {

constexpr std::uint64_t kRecords = 1'000'000;

// What consumers have to show: entry k is a digest of the record they took as number k. Written
// before `cursor` passes it, as a journal's entry before its tail.
struct Taken {
  std::atomic<std::uint64_t> cursor;
  std::atomic<std::uint64_t> faults;
  std::uint64_t digest[kRecords];
};

Payload payload_of(std::uint64_t sequence) noexcept {
  Payload payload;
  for (std::size_t i = 0; i < kPayloadWords; ++i) payload[i] = mix(sequence * 31 + i);
  return payload;
}
std::uint64_t digest_of(const Payload& payload) noexcept {
  std::uint64_t digest = 0;
  for (const std::uint64_t word : payload) digest = mix(digest ^ word);
  return digest;
}

[[noreturn]] void produce(RingMemory& ring) {
  Producer producer(ring, published(ring));
  while (producer.next() < kRecords)
    if (!producer.try_push(payload_of(producer.next()))) ::sched_yield();
  ::_exit(0);
}

[[noreturn]] void consume(RingMemory& ring, Taken& taken) {
  Consumer consumer(ring, taken.cursor.load());
  consumer.publish_head();
  Payload out;
  while (consumer.next() < kRecords) {
    const std::uint64_t sequence = consumer.next();
    const Poll poll = consumer.poll(out);
    if (poll == Poll::Corrupt) {
      taken.faults.fetch_add(1);
      ::_exit(1);
    }
    if (poll == Poll::Empty) {
      consumer.publish_head();
      ::sched_yield();
      continue;
    }
    taken.digest[sequence] = digest_of(out);
    taken.cursor.store(sequence + 1, std::memory_order_release);
    consumer.publish_head_if_due();
  }
  consumer.publish_head();
  ::_exit(0);
}

class Child {
 public:
  template <class Body>
  void start(Body&& body) {
    std::fflush(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) body();
  }
  // Kills and reaps it. True if it had ended by itself.
  bool kill() {
    ::kill(pid_, SIGKILL);
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = 0;
    return WIFEXITED(status);
  }
  ~Child() {
    if (pid_ > 0) kill();
  }

 private:
  pid_t pid_ = 0;
};

TEST(RingProcesses, SurviveRandomKillsOfEitherEnd) {
  test::Random random(test::draw_seed());
  for (const std::uint64_t capacity : {2u, 8u, 256u}) {
    test::SharedRing ring(capacity);
    void* memory =
        ::mmap(nullptr, sizeof(Taken), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(memory, MAP_FAILED);
    Taken& taken = *static_cast<Taken*>(memory);
    Child producer, consumer;
    const auto new_producer = [&] { producer.start([&] { produce(ring.get()); }); };
    const auto new_consumer = [&] { consumer.start([&] { consume(ring.get(), taken); }); };
    new_producer();
    new_consumer();
    int kills = 0;
    const std::uint64_t deadline = static_cast<std::uint64_t>(::time(nullptr)) + 5;
    while (taken.cursor.load() < kRecords &&
           static_cast<std::uint64_t>(::time(nullptr)) < deadline) {
      const timespec pause{0, static_cast<long>(100'000 + random.below(4'000'000))};
      ::nanosleep(&pause, nullptr);
      const bool first = random.one_in(2);
      if (!(first ? producer : consumer).kill()) ++kills;
      first ? new_producer() : new_consumer();
      ASSERT_EQ(taken.faults.load(), 0u) << "a consumer met a corrupt word";
    }
    producer.kill();
    consumer.kill();
    const std::uint64_t count = taken.cursor.load();
    EXPECT_GT(count, 1'000u);
    EXPECT_GT(kills, 10);
    EXPECT_GE(published(ring.get()), count);
    EXPECT_LE(published(ring.get()), count + capacity);
    std::uint64_t wrong = 0;
    for (std::uint64_t k = 0; k < count; ++k)
      if (taken.digest[k] != digest_of(payload_of(k))) ++wrong;
    EXPECT_EQ(wrong, 0u) << "of " << count;
    std::printf("capacity %llu: %llu records, %d kills\n",
                static_cast<unsigned long long>(capacity), static_cast<unsigned long long>(count),
                kills);
    ::munmap(memory, sizeof(Taken));
  }
}

}  // namespace
}  // namespace sluice
