#include "bench/journal/journal.hpp"

#include <sys/resource.h>

#include <algorithm>

#include "bench/filing/filing.hpp"
#include "bench/filing/shared_instance.hpp"
#include "bench/hop/floor.hpp"
#include "bench/journal/writer.hpp"
#include "bench/machine/samples.hpp"
#include "bench/machine/state_dir.hpp"
#include "core/journal_file.hpp"

namespace sluice::bench {
namespace {

constexpr RunIdentity kRun{0x5107CE, 1, 1, {}};
// An append makes no system call and touches no page for the first time: whoever was away for so
// long was taken off the CPU, by the host if the kernel does not know of it.
constexpr Duration kGap = Duration::micros(20);

std::uint64_t switches() noexcept {
  rusage usage{};
  ::getrusage(RUSAGE_THREAD, &usage);
  return static_cast<std::uint64_t>(usage.ru_nivcsw + usage.ru_nvcsw);
}

// The counter's rate, from the clock that the whole program calibrates.
double ns_per_cycle() {
  const HostTime begin = bench_clock().now();  // first: it may have to calibrate itself
  const std::uint64_t before = cycles();
  while (bench_clock().now() - begin < Duration::millis(20)) {
  }
  const std::uint64_t after = cycles();
  return static_cast<double>((bench_clock().now() - begin).ns) /
         static_cast<double>(after - before);
}

// A reading of the counter costs so much, and it moves in steps of so much.
struct Timer {
  double cost = 0;
  double step = 0;
};
Timer look_at_timer() {
  std::vector<double> samples;
  for (int i = 0; i < 10'000; ++i) {
    const std::uint64_t begin = cycles();
    samples.push_back(static_cast<double>(cycles() - begin));
  }
  Timer timer{median(samples), quantile(samples, 1)};
  std::sort(samples.begin(), samples.end());
  for (std::size_t i = 1; i < samples.size(); ++i)
    if (samples[i] > samples[i - 1]) timer.step = std::min(timer.step, samples[i] - samples[i - 1]);
  return timer;
}

// By cycle up to a bound that is far above the limit; the rest is counted in the last place.
class Histogram {
 public:
  void add(const std::array<std::uint64_t, kBlock>& samples) noexcept {
    for (const std::uint64_t sample : samples) {
      ++counts_[std::min<std::uint64_t>(sample, counts_.size() - 1)];
      max_ = std::max(max_, sample);
    }
    total_ += samples.size();
  }
  [[nodiscard]] AppendTail tail(double timer, double ns) const {
    const auto at = [&](double part) {
      auto left = static_cast<std::uint64_t>(part * static_cast<double>(total_));
      std::size_t i = 0;
      while (i + 1 < counts_.size() && counts_[i] <= left) left -= counts_[i++];
      return std::max(0.0, (static_cast<double>(i) - timer) * ns);
    };
    if (total_ == 0) return {};
    return {total_, at(0.5), at(0.99), at(0.999), (static_cast<double>(max_) - timer) * ns};
  }

 private:
  std::array<std::uint64_t, 16'384> counts_{};
  std::uint64_t total_ = 0;
  std::uint64_t max_ = 0;
};

class Measurement {
 public:
  Measurement(JournalMemory& journal, Filing& filing)
      : writer_(journal), filing_(filing), capacity_(journal.header.capacity) {}

  JournalResult run(std::uint64_t entries) {
    const HostTime begin = bench_clock().now();
    while (writer_.entries() < entries) {
      wait_for_room();
      const double whole = static_cast<double>(writer_.whole()) - timer_.cost;
      result_.block_ns.push_back(whole * ns_ / kBlock);
      wait_for_room();
      window();
    }
    result_.took = bench_clock().now() - begin;
    result_.entries = writer_.entries();
    result_.timer_ns = timer_.cost * ns_;
    result_.step_ns = timer_.step * ns_;
    result_.clean = clean_.tail(timer_.cost, ns_);
    result_.all = all_.tail(timer_.cost, ns_);
    return std::move(result_);
  }

 private:
  void wait_for_room() {
    if (writer_.fits()) return;
    const HostTime begin = bench_clock().now();
    filing_.keep_up(capacity_ - 2 * kBlock);
    ++result_.stalls;
    result_.stalled = result_.stalled + (bench_clock().now() - begin);
    if (!writer_.fits()) throw Error("a journal with room has none: this is a defect");
  }

  void window() {
    const std::uint64_t before = switches();
    writer_.each(samples_);
    const bool switched = switches() != before;
    const bool gap =
        static_cast<double>(*std::max_element(samples_.begin(), samples_.end())) * ns_ >
        static_cast<double>(kGap.ns);
    ++result_.windows;
    result_.switched += switched ? 1 : 0;
    result_.gaps += !switched && gap ? 1 : 0;
    all_.add(samples_);
    if (!switched && !gap) clean_.add(samples_);
  }

  BlockWriter writer_;
  Filing& filing_;
  std::uint64_t capacity_;
  double ns_ = ns_per_cycle();
  Timer timer_ = look_at_timer();
  std::array<std::uint64_t, kBlock> samples_{};
  Histogram clean_, all_;
  JournalResult result_;
};

// Reads every file back. The checksum of an entry covers its position, and the files were refused
// if one did not begin where the one before it ends.
std::string wrong_with(const std::filesystem::path& dir, std::uint64_t entries) {
  JournalFiles files(dir, std::string(name_of(Process::Risk)));
  if (files.first() != 0 || files.end() != entries || files.torn_bytes() != 0)
    return "entries " + std::to_string(files.first()) + " to " + std::to_string(files.end()) +
           " are filed, " + std::to_string(entries) + " were appended";
  JournalDecoder decoder;
  for (std::uint64_t at = 0; at < entries; ++at) {
    JournalSlot slot;
    JournalEntry entry;
    if (!files.read(at, slot) || decoder.decode(slot, at, entry) != JournalDecoder::Status::Input ||
        entry.payload != numbered(at))
      return "entry " + std::to_string(at) + ", in " + files.where(at) +
             ", is not what was appended";
  }
  return {};
}

std::uint64_t journal_files(const std::filesystem::path& dir) {
  std::uint64_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(dir))
    count += entry.path().extension() == ".journal" ? 1u : 0u;
  return count;
}

JournalResult measure(const JournalPlan& plan, const PipelineConfig& pipeline,
                      const RecorderConfig& recorder, const std::filesystem::path& dir) {
  const Pinned pinned(plan.cpus.mine);
  SharedInstance memory(pipeline, kRun);
  Filing filing(recorder, memory.objects(), Process::Risk, dir, plan.cpus.peer);
  Measurement measurement(memory.objects().journal_of(Process::Risk), filing);
  JournalResult result = measurement.run((plan.mib << 20) / sizeof(JournalSlot));
  filing.finish();
  return result;
}

}  // namespace

double JournalResult::append_ns() const {
  return median(block_ns);
}

JournalResult run_journal(const JournalPlan& plan) {
  must_be_allowed(plan.cpus, Exit::Usage);
  const config::Document document = config::Document::load(plan.conf);
  const PipelineConfig pipeline = parse_pipeline(document);
  RecorderConfig recorder = parse_recorder(document.root().table("recorder"));
  recorder.rotate_bytes = plan.rotate_mib << 20;
  const StateDir dir(plan.dir);
  must_have_room(dir.path(), plan.mib << 20, "fewer --mib, or another --dir");
  const double floor = round_trip_floor(plan.cpus);
  JournalResult result = measure(plan, pipeline, recorder, dir.path());
  result.floor_before_ns = floor;
  result.floor_behind_ns = round_trip_floor(plan.cpus);
  const auto run_dir = run_directory(dir.path(), kRun.run_ordinal);
  if (plan.tamper) plan.tamper(run_dir.string());
  result.wrong = wrong_with(run_dir, result.entries);
  result.files = journal_files(run_dir);
  return result;
}

}  // namespace sluice::bench
