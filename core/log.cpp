// The writer side of the log, and the only user of the concurrent queue.
#include "core/log.hpp"

#include <concurrentqueue/concurrentqueue.h>
#include <fmt/format.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>
#include <x86intrin.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <mutex>
#include <new>
#include <string>
#include <thread>

#include "core/decimal.hpp"
#include "core/error.hpp"

namespace sluice {

namespace {

using detail::ArgumentKind;
using detail::LogRecord;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kPoll{5};
constexpr std::size_t kBatch = 64;
// A pipe that polls writable takes so many bytes without blocking.
constexpr std::size_t kPipeAtom = 4096;

struct QueueTraits : moodycamel::ConcurrentQueueDefaultTraits {
  // Blocks that one producer can hold before their index would have to grow; a growth is an
  // allocation, and try_enqueue refuses instead. Twice what a producer of the largest capacity
  // needs.
  static constexpr std::size_t EXPLICIT_INITIAL_INDEX_SIZE = 2 * Log::kMaxCapacity / BLOCK_SIZE;
  // Through operator new, where an allocation guard sees it.
  static void* malloc(std::size_t size) noexcept {
    try {
      return ::operator new(size);
    } catch (const std::bad_alloc&) {
      return nullptr;
    }
  }
  static void free(void* memory) noexcept { ::operator delete(memory); }
};
using Queue = moodycamel::ConcurrentQueue<LogRecord, QueueTraits>;

std::int64_t clock_ns(clockid_t id) noexcept {
  timespec t{};
  clock_gettime(id, &t);
  return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

// Turns counter stamps into wall time: the rate since the start, the offset of now.
class WallTime {
 public:
  WallTime() noexcept : first_ticks_(__rdtsc()), first_ns_(clock_ns(CLOCK_BOOTTIME)) { refresh(); }
  void refresh() noexcept {
    ticks_ = __rdtsc();
    wall_ns_ = clock_ns(CLOCK_REALTIME);
    const auto ticks = static_cast<double>(ticks_ - first_ticks_);
    const auto ns = static_cast<double>(clock_ns(CLOCK_BOOTTIME) - first_ns_);
    ns_per_tick_ = ticks > 0 ? ns / ticks : 0;
  }
  [[nodiscard]] std::int64_t at(std::uint64_t ticks) const noexcept {
    const auto distance = static_cast<double>(static_cast<std::int64_t>(ticks - ticks_));
    return wall_ns_ + static_cast<std::int64_t>(distance * ns_per_tick_);
  }

 private:
  std::uint64_t first_ticks_;
  std::int64_t first_ns_;
  std::uint64_t ticks_ = 0;
  std::int64_t wall_ns_ = 0;
  double ns_per_tick_ = 0;
};

void append_head(std::string& out, std::int64_t wall_ns, std::string_view process, Level level) {
  const std::time_t seconds = wall_ns / 1'000'000'000;
  std::tm local{};
  localtime_r(&seconds, &local);
  fmt::format_to(std::back_inserter(out), "{:02}:{:02}:{:02}.{:03} {} {} ", local.tm_hour,
                 local.tm_min, local.tm_sec, wall_ns / 1'000'000 % 1'000, process, name_of(level));
}

void append_value(std::string& out, ArgumentKind kind, std::uint64_t value) {
  switch (kind) {
    case ArgumentKind::Signed:
      fmt::format_to(std::back_inserter(out), "{}", static_cast<std::int64_t>(value));
      return;
    case ArgumentKind::Unsigned: fmt::format_to(std::back_inserter(out), "{}", value); return;
    case ArgumentKind::Amount: {
      DecimalText text;
      out += format_decimal(static_cast<std::int64_t>(value), text);
      return;
    }
    case ArgumentKind::Name:
      out.append(reinterpret_cast<const char*>(value >> detail::kNameShift), value & 0xff);
      return;
  }
}

void append_text(std::string& out, const LogRecord& record) {
  std::size_t argument = 0;
  for (std::size_t i = 0; i < record.length; ++i) {
    if (record.text[i] != '{') {
      out += record.text[i];
      continue;
    }
    append_value(out, static_cast<ArgumentKind>(record.kinds >> (2 * argument) & 3u),
                 record.value[argument]);
    ++argument;
    ++i;
  }
  out += '\n';
}

// Writes all bytes unless `give_up` says so while the file takes none. False if something was lost.
template <class GiveUp>
bool write_all(int fd, std::string_view bytes, GiveUp give_up) noexcept {
  while (!bytes.empty()) {
    pollfd ready{fd, POLLOUT, 0};
    if (::poll(&ready, 1, static_cast<int>(kPoll.count())) <= 0) {
      if (give_up()) return false;
      continue;
    }
    const ssize_t n = ::write(fd, bytes.data(), std::min(bytes.size(), kPipeAtom));
    if (n < 0 && errno != EINTR && errno != EAGAIN) return false;
    if (n > 0) bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

}  // namespace

// Shared by one producer and the writer; the padding keeps their counters on lines of their own.
struct Log::Producer::Channel {
  Channel(Queue& q, std::uint8_t index) : queue(&q), token(q), number(index) {}
  Queue* queue;
  moodycamel::ProducerToken token;
  std::uint8_t number;
  alignas(kLinePair) std::atomic<std::uint64_t> accepted{0};  // written by the producer
  std::atomic<std::uint64_t> dropped{0};                      // written by the producer
  alignas(kLinePair) std::atomic<std::uint64_t> written{0};   // written by the writer
  std::uint64_t reported = 0;                                 // drops that the writer has logged
};

void Log::Producer::push(LogRecord& record) noexcept {
  record.ticks = __rdtsc();
  record.producer = channel_->number;
  // Single writer, so load and store need not be one step. The release pairs with the acquire in
  // flush.
  std::atomic<std::uint64_t>& count = channel_->queue->try_enqueue(channel_->token, record)
                                          ? channel_->accepted
                                          : channel_->dropped;
  count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_release);
}

struct Log::Writer {
  using Channel = Producer::Channel;

  Writer(std::string_view name, int file, std::size_t capacity, std::size_t producers)
      : process(name), fd(file), most(producers), queue(capacity, producers, 0), consumer(queue) {
    lines.reserve(kBatch * 256);
    // Signals are for the main thread; a closed pipe must be an error here, not a death.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread = std::thread([this] { run(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }

  void run() {
    while (!stop.load(std::memory_order_acquire)) {
      if (drain() == 0) std::this_thread::sleep_for(kPoll);
    }
    drain();  // the last drops; gives up at once if the file takes nothing
  }

  std::size_t drain() {
    const std::size_t n = queue.try_dequeue_bulk(consumer, batch.begin(), kBatch);
    wall.refresh();
    lines.clear();
    for (std::size_t i = 0; i < n; ++i) {
      append_head(lines, wall.at(batch[i].ticks), process, batch[i].level);
      append_text(lines, batch[i]);
    }
    append_drops();
    if (!lines.empty()) {
      const std::lock_guard guard(output);
      write_all(fd, lines, [this] { return stop.load(std::memory_order_acquire); });
    }
    for (std::size_t i = 0; i < n; ++i) {
      std::atomic<std::uint64_t>& written = channels[batch[i].producer]->written;
      written.store(written.load(std::memory_order_relaxed) + 1, std::memory_order_release);
    }
    return n;
  }

  void append_drops() {
    const std::size_t open =
        opened.load(std::memory_order_acquire);  // pairs with the release in producer()
    for (std::size_t i = 0; i < open; ++i) {
      const std::uint64_t dropped = channels[i]->dropped.load(std::memory_order_acquire);
      if (dropped == channels[i]->reported) continue;
      append_head(lines, clock_ns(CLOCK_REALTIME), process, Level::Warning);
      fmt::format_to(std::back_inserter(lines), "{} log records were dropped, {} in all\n",
                     dropped - channels[i]->reported, dropped);
      channels[i]->reported = dropped;
    }
  }

  std::string process;
  int fd;
  std::size_t most;
  Queue queue;
  moodycamel::ConsumerToken consumer;
  std::array<LogRecord, kBatch> batch;
  std::array<std::unique_ptr<Channel>, kMaxProducers> channels;
  std::atomic<std::size_t> opened{0};
  std::atomic<bool> stop{false};
  std::timed_mutex output;  // whole lines: writer thread and say()
  std::mutex setup;         // producer()
  std::string lines;
  WallTime wall;
  std::thread thread;  // last: starts when everything else is there
};

Log::Log(std::string_view process, int fd, std::size_t capacity, std::size_t producers) {
  if (capacity < kMinCapacity || capacity > kMaxCapacity || producers < 1 ||
      producers > kMaxProducers)
    throw Error(fmt::format("log: no room for {} records of {} threads", capacity, producers));
  writer_ = std::make_unique<Writer>(process, fd, capacity, producers);
}

Log::~Log() {
  flush(Duration::seconds(1));
  writer_->stop.store(true, std::memory_order_release);
  writer_->thread.join();
}

Log::Producer Log::producer() {
  const std::lock_guard guard(writer_->setup);
  const std::size_t index = writer_->opened.load(std::memory_order_relaxed);
  if (index == writer_->most)
    throw Error(fmt::format("log: more than the {} threads it was made for", index));
  writer_->channels[index] =
      std::make_unique<Producer::Channel>(writer_->queue, static_cast<std::uint8_t>(index));
  writer_->opened.store(index + 1, std::memory_order_release);
  return Producer(writer_->channels[index].get());
}

void Log::say(Level level, std::string_view text) {
  const std::unique_lock guard(writer_->output, std::chrono::seconds(1));
  if (!guard) return;  // the writer is stuck in a file that takes nothing
  sluice::say(writer_->fd, writer_->process, level, text);
}

bool Log::flush(Duration deadline) {
  const auto end = steady_clock::now() + std::chrono::nanoseconds(deadline.ns);
  const std::size_t open = writer_->opened.load(std::memory_order_acquire);
  for (std::size_t i = 0; i < open; ++i) {
    const Producer::Channel& channel = *writer_->channels[i];
    const std::uint64_t target = channel.accepted.load(std::memory_order_acquire);
    while (channel.written.load(std::memory_order_acquire) < target) {
      if (steady_clock::now() >= end) return false;
      std::this_thread::sleep_for(milliseconds(1));
    }
  }
  return true;
}

void Log::keep_off(int cpu) noexcept {
  const pthread_t thread = writer_->thread.native_handle();
  cpu_set_t allowed;
  if (cpu < 0 || cpu >= CPU_SETSIZE ||
      pthread_getaffinity_np(thread, sizeof allowed, &allowed) != 0)
    return;
  CPU_CLR(static_cast<std::size_t>(cpu), &allowed);
  if (CPU_COUNT(&allowed) == 0) return;
  pthread_setaffinity_np(thread, sizeof allowed, &allowed);
}

std::uint64_t Log::dropped() const noexcept {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < writer_->opened.load(std::memory_order_acquire); ++i)
    sum += writer_->channels[i]->dropped.load(std::memory_order_acquire);
  return sum;
}

void say(int fd, std::string_view process, Level level, std::string_view text) {
  std::string line;
  append_head(line, clock_ns(CLOCK_REALTIME), process, level);
  (line += text) += '\n';
  const auto end = steady_clock::now() + std::chrono::seconds(1);
  write_all(fd, line, [end] { return steady_clock::now() >= end; });
}

}  // namespace sluice
